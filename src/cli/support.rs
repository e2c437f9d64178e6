//! `support`: one text file for a bug report, without secrets and without the names of users and
//! workspaces.

mod sections;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context;
use clap::Args;

use crate::config::args::ServeArgs;

use super::effective::Given;
use super::{CommandError, check, print, runtime, settings as from_args};
use sections::{Inputs, Section, sections};

/// Arguments of `support`.
#[derive(Debug, Args)]
pub(super) struct SupportArgs {
    /// The settings of the exporter that the file is about.
    #[command(flatten)]
    serve: ServeArgs,

    /// File to write, which must not exist; - is stdout. By default a file in the current directory,
    /// named by the time
    #[arg(long = "file", value_name = "FILE", help_heading = "Output")]
    file: Option<PathBuf>,
}

/// What stands first, so that one who is to send the file knows what it says.
const NOTE: &str = "\
This file is for a bug report about coder-agent-exporter. It is text: read it before you send it.

It has no password, no token, and no name of a user or a workspace.
It has names of organizations, templates, agents (as templates name them), coderd replicas and
provisioners, the database's host, user and name, the user of Coder's token, paths of files, and
the address of Coder.
";

pub(super) fn run(args: &SupportArgs, given: &Given) -> Result<ExitCode, CommandError> {
    let serve = &args.serve;
    let url = from_args::postgres_url(&serve.postgres)?;
    let database = from_args::database(&url, &serve.postgres)?;
    let effective = from_args::effective(&given.effective, &serve.exporter)?;
    let deprecated_settings = given.deprecated_settings();
    let checks = check::lines(serve)?;
    let inputs = Inputs {
        effective: &effective,
        deprecated_settings,
        checks,
    };
    let sections = runtime()?.block_on(sections(serve, &database, inputs))?;
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let text = text(&now, &sections);
    if args.file.as_deref() == Some(Path::new("-")) {
        return print(&text);
    }
    let path = args.file.clone().unwrap_or_else(|| named_by(&now));
    write(&path, &text)?;
    let mut summary = format!("{} ({} bytes):\n", path.display(), text.len());
    for section in &sections {
        summary += &format!("  {}: {}\n", section.title, section.what);
    }
    summary += "It has no secret and no name of a user or a workspace; it has names of \
                organizations,\ntemplates and hosts. Read it before you send it.\n";
    print(&summary)
}

fn named_by(now: &str) -> PathBuf {
    let digits: String = now.chars().filter(|it| !"-:".contains(*it)).collect();
    format!("coder-agent-exporter-support-{digits}.txt").into()
}

/// Never over a file that is there, and readable by its owner alone.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || {
        format!(
            "cannot write {}; choose another with --file",
            path.display()
        )
    };
    let mut options = File::options();
    let options = options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).with_context(cannot)?;
    let written = file.write_all(text.as_bytes()).with_context(cannot);
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn text(now: &str, sections: &[Section]) -> String {
    let mut text = format!("coder-agent-exporter support, {now}\n\n{NOTE}\nContents\n");
    for (number, section) in (1..).zip(sections) {
        text += &format!("{number}. {}: {}\n", section.title, section.what);
    }
    for (number, section) in (1..).zip(sections) {
        text += &format!(
            "\n\n==== {number}. {} ====\n\n{}\n",
            section.title,
            section.text.trim_end()
        );
    }
    let lines = text.lines().map(super::without_userinfo);
    lines.map(|line| line + "\n").collect()
}
