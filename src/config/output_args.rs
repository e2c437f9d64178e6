//! How a command prints its answer, and of which agents it is.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::filter::Filter;

use super::values::positive_duration;

/// Value of `--health` for every class that is a problem.
const PROBLEM: &str = "problem";

/// `-o` of a command that answers about one thing.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
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

/// `-o` of a command that lists, and what goes with it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct ListOutputArgs {
    /// Format of the answer, instead of text for people. On a terminal, tables fit its width; in a
    /// pipe nothing is cut
    #[arg(short = 'o', long = "output", value_name = "FORMAT")]
    pub output: Option<ListFormat>,

    /// The same as -o json
    #[arg(long = "json", conflicts_with = "output")]
    pub json: bool,

    /// Leave out the titles of the columns
    #[arg(long = "no-headers")]
    pub no_headers: bool,

    /// Column to sort tables, CSV and names by: a title, or the name in CSV. With a minus before it,
    /// in reverse
    #[arg(long = "sort", value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,

    /// Ask again after this time, until interrupted. A terminal is cleared before each answer
    #[arg(
        long = "watch",
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5s",
        value_parser = positive_duration
    )]
    pub watch: Option<Duration>,
}

/// Formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// The table alone, as wide as the terminal.
    Table,
    /// The table with all that is known, not cut.
    Wide,
    /// JSON with stable field names.
    Json,
    /// The same fields as YAML.
    Yaml,
    /// All columns, separated by commas.
    Csv,
    /// A name a line, as other commands take it.
    Name,
}

/// Of which agents the answer is. Flags with several values mean one of them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Agents of the template with exactly this name; repeatable
    #[arg(long = "template", value_name = "NAME", value_delimiter = ',')]
    pub template: Vec<String>,

    /// Agents of the organization with exactly this name; repeatable
    #[arg(long = "organization", value_name = "NAME", value_delimiter = ',')]
    pub organization: Vec<String>,

    /// Agents of workspaces whose owner has exactly this name; repeatable
    #[arg(long = "owner", value_name = "NAME", value_delimiter = ',')]
    pub owner: Vec<String>,

    /// Agents of this health class; problem means every class that is a problem; repeatable
    #[arg(
        long = "health",
        value_name = "CLASS",
        value_delimiter = ',',
        value_parser = classes()
    )]
    pub health: Vec<String>,

    /// Agents of this kind; repeatable
    #[arg(
        long = "kind",
        value_name = "KIND",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Kind::ALL.iter().map(|it| it.as_str()))
    )]
    pub kind: Vec<String>,
}

impl DetailOutputArgs {
    /// The format; `None` for text.
    pub fn format(&self) -> Option<DetailFormat> {
        self.output.or(self.json.then_some(DetailFormat::Json))
    }
}

impl ListOutputArgs {
    /// The format; `None` for text.
    pub fn format(&self) -> Option<ListFormat> {
        self.output.or(self.json.then_some(ListFormat::Json))
    }
}

impl FilterArgs {
    /// The filter; `None` if every agent passes.
    pub fn filter(&self) -> Option<Filter> {
        let filter = Filter {
            template: self.template.clone(),
            organization: self.organization.clone(),
            owner: self.owner.clone(),
            health: self.health.iter().flat_map(|it| classes_of(it)).collect(),
            kind: self.kind.iter().filter_map(|it| it.parse().ok()).collect(),
            ..Filter::default()
        };
        Some(filter).filter(|it| *it != Filter::default())
    }
}

/// The class of this name, or every one that is a problem.
fn classes_of(name: &str) -> impl Iterator<Item = Health> {
    let classes = Health::ALL.iter().copied();
    classes.filter(move |it| match name {
        PROBLEM => it.is_problem(),
        _ => it.as_str() == name,
    })
}

fn classes() -> PossibleValuesParser {
    let classes = Health::ALL.iter().map(|it| it.as_str());
    PossibleValuesParser::new([PROBLEM].into_iter().chain(classes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_is_every_class_that_is_one_and_no_flag_no_filter() {
        let of = |health: &[&str]| FilterArgs {
            health: health.iter().map(|it| (*it).to_owned()).collect(),
            ..FilterArgs::default()
        };
        assert_eq!(of(&[]).filter(), None);
        let problems = of(&[PROBLEM]).filter().unwrap().health;
        assert!(problems.iter().all(|it| it.is_problem()));
        let count = Health::ALL.iter().filter(|it| it.is_problem()).count();
        assert_eq!(problems.len(), count);
        let both = of(&["healthy", "starting"]).filter().unwrap().health;
        assert_eq!(both, [Health::Healthy, Health::Starting]);
    }
}
