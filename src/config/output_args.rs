//! How a command prints its answer.

use clap::{Args, ValueEnum};

/// `-o` of a command that answers about one thing.
#[derive(Debug, Clone, Args)]
pub struct DetailOutputArgs {
    /// Format of the answer, instead of text for people
    #[arg(short = 'o', long = "output", value_name = "FORMAT")]
    pub output: Option<DetailFormat>,

    /// The same as -o json
    #[arg(long = "json", conflicts_with = "output")]
    pub json: bool,
}

/// Formats of an answer with fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DetailFormat {
    /// JSON with stable field names.
    Json,
    /// The same fields as YAML.
    Yaml,
}

impl DetailOutputArgs {
    /// The format; `None` for text.
    pub fn format(&self) -> Option<DetailFormat> {
        self.output.or(self.json.then_some(DetailFormat::Json))
    }
}
