//! What users of a release build on, in `tests/releases`: a later version has it, too
//! (`docs/upgrade.md`).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use clap::{Arg, CommandFactory};

use crate::cli::Cli;
use crate::config::deprecated::{self, RENAMED};
use crate::fleet::stats::collection::Collector;
use crate::metrics::catalogue::families;
use crate::postgres::grants::{USUAL_SCHEMA, role_sql};

use super::root;

const FOLDER: &str = "tests/releases";

/// The files about this version. `role.sql` is for tests with a database.
fn of_this_version() -> [(&'static str, String); 3] {
    [
        ("settings.txt", lines(settings())),
        ("metrics.txt", lines(metrics())),
        (
            "role.sql",
            role_sql("coder_exporter", USUAL_SCHEMA, Collector::DEFAULT),
        ),
    ]
}

/// Every setting of every command, with its variable and its default, by each of its names.
fn settings() -> Vec<String> {
    let mut all = Vec::new();
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments() {
            let Some(flag) = argument.get_long() else {
                continue;
            };
            let mut add = |flag: &str, variable: &str| {
                let line = format!(
                    "{} --{flag} {variable} {}",
                    command.get_name(),
                    defaults(argument)
                );
                all.push(line.trim_end().to_owned());
            };
            let variable = argument.get_env().unwrap_or_default().to_string_lossy();
            add(flag, &variable);
            for it in RENAMED.iter().filter(|it| it.new == flag) {
                add(it.old, &deprecated::variable(it.old));
            }
        }
    }
    all
}

fn defaults(argument: &Arg) -> String {
    let values = argument.get_default_values();
    values.join(",".as_ref()).to_string_lossy().into_owned()
}

/// Name, type and labels.
fn metrics() -> Vec<String> {
    let line = |name, kind, labels: &[&str]| format!("{name} {kind} {}", labels.join(","));
    families()
        .map(|it| line(it.name, it.kind.as_text_type(), it.labels))
        .map(|it| it.trim_end().to_owned())
        .collect()
}

fn lines(mut lines: Vec<String>) -> String {
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n") + "\n"
}

/// The lines of a release that a version does not have.
fn gone<'a>(release: &'a str, version: &str) -> Vec<&'a str> {
    let version: BTreeSet<_> = version.lines().collect();
    let lines = release.lines();
    lines.filter(|it| !version.contains(it)).collect()
}

/// Files about this version that are not what the program says; none after they were written anew.
fn behind() -> Vec<PathBuf> {
    let folder = root().join(FOLDER).join(env!("CARGO_PKG_VERSION"));
    let mut behind = Vec::new();
    for (name, text) in of_this_version() {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|it| it == text) {
            continue;
        }
        match std::env::var_os("UPDATE_README") {
            Some(_) => {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, text).unwrap();
            }
            None => behind.push(path),
        }
    }
    behind
}

#[test]
fn settings_and_metrics_of_every_release_are_there() {
    let behind = behind();
    assert!(
        behind.is_empty(),
        "{behind:?} behind the program; run: UPDATE_README=1 cargo nextest run releases"
    );
    for release in fs::read_dir(root().join(FOLDER)).unwrap() {
        let folder = release.unwrap().path();
        for (name, text) in of_this_version() {
            let before = fs::read_to_string(folder.join(name)).unwrap();
            let gone = gone(&before, &text);
            // A role may grow; another test tries the old one.
            assert!(
                gone.is_empty() || name == "role.sql",
                "{} had {gone:?}: a renamed setting belongs to RENAMED in src/config/deprecated.rs; what \
                 goes after its two minor versions leaves the file, and stands in CHANGELOG.md",
                folder.display()
            );
        }
    }
}

#[test]
fn line_that_changes_is_gone_and_a_new_one_is_not() {
    let before = "serve --a A 1\nserve --b B 2\nserve --c C\n";
    let now = "serve --a A 1\nserve --b B 3\nserve --new NEW\n";
    assert_eq!(gone(before, now), ["serve --b B 2", "serve --c C"]);
}
