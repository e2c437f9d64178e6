//! Flags, metrics, commands and files that a document names exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::metrics::catalogue::families;
use crate::metrics::family::Exposed;
use crate::metrics::single::ProbePage;

use super::markdown::{Document, documents};
use super::root;

/// The changelog is not checked: it names things of the past.
const HISTORY: &str = "CHANGELOG.md";

/// Flags of other programs that documents use outside of a command line, and their programs.
const FOREIGN_FLAGS: &[(&str, &str)] = &[
    ("cap-drop", "docker"),
    ("enable-feature", "prometheus"),
    ("read-only", "docker"),
    ("target", "docker"),
    ("tmpfs", "docker"),
];

/// Names that begin like metrics: resources of Coder's Terraform provider, the database of the
/// demo, the role, a cause, and a dimension of incidents.
const NO_METRICS: &[&str] = &[
    // A label.
    "coder_url",
    "coder_agent",
    "coder_demo",
    "coder_exporter",
    "coder_external_agent",
    "coderd_gone",
    "coderd_replica",
];

/// What the name of a histogram's series may end with.
const SUFFIXES: &[&str] = &["", "_bucket", "_count", "_sum", "_gcount", "_gsum"];

/// Folders whose files documents name by their path.
const FOLDERS: &[&str] = &[
    ".ci/",
    ".github/",
    "alerts/",
    "benches/",
    "dashboards/",
    "deploy/",
    "docs/",
    "scripts/",
    "src/",
    "tests/",
];

#[test]
fn every_flag_metric_command_and_file_named_in_a_document_exists() {
    let known = Known::new();
    let mut unknown = BTreeSet::new();
    let documents = documents();
    let checked = documents.iter().filter(|it| it.name() != HISTORY);
    for document in checked {
        let mut report = |what: &str, name: &str| {
            unknown.insert(format!("{}: {what} {name}", document.name()));
        };
        known.check(document, &mut report);
    }
    let unknown: Vec<_> = unknown.into_iter().collect();
    assert!(
        unknown.is_empty(),
        "documents name what does not exist:\n{}",
        unknown.join("\n")
    );
}

/// All names that documents may use.
struct Known {
    flags: BTreeSet<String>,
    commands: BTreeSet<String>,
    metrics: BTreeSet<String>,
    /// The text of our scripts; a flag exists if a script contains it.
    scripts: String,
}

impl Known {
    fn new() -> Self {
        let command = Cli::command();
        let mut flags = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
        collect_flags(&command, &mut flags);
        let names = command.get_subcommands().map(|it| it.get_name().to_owned());
        let of_pages = families().map(|it| it.name);
        let all = of_pages.chain(ProbePage::families().map(|it| it.name));
        let series = all.flat_map(|name| SUFFIXES.iter().map(move |it| format!("{name}{it}")));
        let mut scripts = String::new();
        for folder in [
            "scripts",
            "benches/side_by_side",
            "alerts/tests",
            "dashboards",
        ] {
            read_all(&root().join(folder), &mut scripts);
        }
        Self {
            flags,
            commands: names.collect(),
            metrics: series.collect(),
            scripts,
        }
    }

    fn check(&self, document: &Document, report: &mut impl FnMut(&str, &str)) {
        let spans = document.code_spans();
        let lines = document.code_lines();
        let all = spans.iter().chain(&lines).map(String::as_str);
        for code in all {
            let words: Vec<_> = code
                .split([' ', '|', '"', '\''])
                .filter(|it| !it.is_empty() && *it != "$")
                .collect();
            self.check_command(&words, report);
            for name in names_after(code, "--", is_flag_part) {
                if !self.is_flag(name, words.first().copied().unwrap_or_default()) {
                    report("flag", &format!("--{name}"));
                }
            }
            for name in metrics_in(code) {
                if !self.is_metric(name) {
                    report("metric", name);
                }
            }
            for path in words.iter().filter_map(|it| path_in(it)) {
                if !root().join(path).exists() {
                    report("file", path);
                }
            }
        }
    }

    /// Checks that the word after `coder-agent-exporter` is a command.
    fn check_command(&self, words: &[&str], report: &mut impl FnMut(&str, &str)) {
        let [program, command, ..] = words else {
            return;
        };
        let is_word = command.chars().all(|it| it.is_ascii_lowercase());
        if is_ours(program) && is_word && !self.commands.contains(*command) {
            report("command", command);
        }
    }

    /// Whether the name must be a flag of ours: it has a dot, it is in a command line of ours, or
    /// it stands alone.
    fn is_flag(&self, name: &str, program: &str) -> bool {
        let starts = |it: &String| it.starts_with(name);
        let is_ours_to_know = name.contains('.') || program.starts_with("--") || is_ours(program);
        let of_scripts = || self.scripts.contains(&format!("--{name}"));
        let is_foreign = || FOREIGN_FLAGS.iter().any(|(it, _)| *it == name);
        match name.ends_with(['.', '-']) {
            true => self.flags.iter().any(starts),
            false if self.flags.contains(name) => true,
            false if name.contains('.') => false,
            false if is_ours(program) => false,
            false if program.starts_with("scripts/") => of_scripts(),
            false => !is_ours_to_know || of_scripts() || is_foreign(),
        }
    }

    fn is_metric(&self, name: &str) -> bool {
        match name.ends_with('_') {
            true => self.metrics.iter().any(|it| it.starts_with(name)),
            false => self.metrics.contains(name) || NO_METRICS.contains(&name),
        }
    }
}

fn collect_flags(command: &Command, flags: &mut BTreeSet<String>) {
    let own = command.get_arguments().filter_map(|it| it.get_long());
    flags.extend(own.map(str::to_owned));
    for command in command.get_subcommands() {
        collect_flags(command, flags);
    }
}

fn read_all(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        // Pictures are no text.
        if let Ok(content) = fs::read_to_string(entry.path()) {
            text.push_str(&content);
        }
    }
}

/// Whether `program` is ours: its name, or a path that ends in its name.
fn is_ours(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    name == "coder-agent-exporter"
}

fn is_flag_part(it: char) -> bool {
    it.is_ascii_lowercase() || it.is_ascii_digit() || it == '.' || it == '-'
}

fn is_name_part(it: char) -> bool {
    it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_'
}

/// Each run of `is_part` characters after `mark`, where `mark` starts a word.
fn names_after<'a>(code: &'a str, mark: &str, is_part: fn(char) -> bool) -> Vec<&'a str> {
    let found = code.match_indices(mark).filter_map(|(at, _)| {
        let before = code[..at].chars().next_back();
        let rest = &code[at + mark.len()..];
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(',');
        let begins = before.is_none_or(|it| !it.is_alphanumeric() && it != '-');
        (begins && name.starts_with(|it: char| it.is_ascii_lowercase())).then_some(name)
    });
    found.collect()
}

/// The words that start like a metric of ours.
fn metrics_in(code: &str) -> Vec<&str> {
    let words = code.split(|it: char| !is_name_part(it) && !":/-.".contains(it));
    let ours = words.filter(|word| {
        let prefixes = ["coder_", "coderd_", "probe_"];
        let is_plain = word.chars().all(is_name_part);
        is_plain && prefixes.iter().any(|it| word.starts_with(it))
    });
    ours.collect()
}

/// The word if it is a path in the repository; `None` if it contains a placeholder.
fn path_in(word: &str) -> Option<&str> {
    let word = word
        .trim_start_matches("./")
        .trim_end_matches([',', '.', ';', ':', ')']);
    let is_path = |it: char| it.is_ascii_alphanumeric() || "/._-".contains(it);
    let is_ours = FOLDERS.iter().any(|it| word.starts_with(it));
    (is_ours && word.chars().all(is_path)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let document = Document {
            path: "docs/a.md".into(),
            text: text.into(),
        };
        let mut report = |what: &str, name: &str| found.push(format!("{what} {name}"));
        Known::new().check(&document, &mut report);
        found
    }

    #[test]
    fn what_exists_is_found() {
        let text = "`--probe.dialer=tcp` `--agent.*` `--no-collector.apps` `--json` `--help` \
                    `coder_agents{kind=\"sub\"}` `coder_agent_probe_*` `coderd_agents_up` \
                    `coder_agent_heartbeat_age_seconds_gcount` `probe_success` `src/lib.rs`\n\
                    `template:coder_agents_disconnected:sum` `coder-agent-exporter explain NAME`\n\
                    ```sh\n$ coder-agent-exporter check\nscripts/bench --quick\n\
                    docker run --rm -p 1:1 x\nsrc/<name>.sql\n```\n";
        assert_eq!(unknown(text), [""; 0]);
    }

    #[test]
    fn what_does_not_exist_is_reported() {
        for (text, expected) in [
            ("`--probe.nothing`", "flag --probe.nothing"),
            ("`--nothing`", "flag --nothing"),
            ("`--nothing.*`", "flag --nothing."),
            ("`coder-agent-exporter check --quick`", "flag --quick"),
            ("`scripts/bench --nothing`", "flag --nothing"),
            ("`coder_nothing`", "metric coder_nothing"),
            ("`probe_nothing{a=\"b\"}`", "metric probe_nothing"),
            ("`sum(coder_agents_nothing)`", "metric coder_agents_nothing"),
            ("`coder-agent-exporter nothing`", "command nothing"),
            ("`scripts/nothing`", "file scripts/nothing"),
            ("```\n$ scripts/nothing 1\n```", "file scripts/nothing"),
        ] {
            assert_eq!(unknown(text), [expected], "{text}");
        }
    }
}
