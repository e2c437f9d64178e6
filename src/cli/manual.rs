//! `completion` and `man`: what a package installs beside the program.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap_complete::Shell;

use super::{CommandError, arguments, print};

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write all pages into this directory, one for each command, instead of printing the main page
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Prints the script that completes command lines of this program.
pub(super) fn completion(args: &CompletionArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    let name = env!("CARGO_PKG_NAME");
    clap_complete::generate(args.shell, &mut arguments::whole(), name, &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the main page of the manual, or writes all pages.
pub(super) fn man(args: &ManArgs) -> Result<ExitCode, CommandError> {
    let command = arguments::whole();
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        let man = clap_mangen::Man::new(command);
        man.render(&mut page).context("writing the page")?;
        return print(&String::from_utf8_lossy(&page));
    };
    let cannot = || format!("cannot write the pages to {}", directory.display());
    fs::create_dir_all(directory).with_context(cannot)?;
    clap_mangen::generate_to(command, directory).with_context(cannot)?;
    Ok(ExitCode::SUCCESS)
}
