//! The settings in effect, for `/-/config`. They are read from the table of flags, so none is
//! missing.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::deprecated::Renamed;

/// What was given to the program.
#[derive(Default)]
pub(super) struct Given {
    /// The settings in effect, for `/-/config`.
    pub(super) effective: String,
    /// Those that were given under a deprecated name.
    pub(super) deprecated: Vec<&'static Renamed>,
}

impl Given {
    /// The number of deprecated names.
    pub(super) fn deprecated_settings(&self) -> u64 {
        self.deprecated.len() as u64
    }

    /// A line in the log for each deprecated name.
    pub(super) fn warn_of_deprecated(&self) {
        for renamed in &self.deprecated {
            tracing::warn!("{}", renamed.sentence());
        }
    }
}

/// One line of YAML for each setting of the command: flag, value, and the source of the value.
/// Values of secret settings are left out.
pub(super) fn settings(command: &Command, matches: &ArgMatches) -> String {
    let Some((name, matches)) = matches.subcommand() else {
        return String::new();
    };
    let Some(command) = command.find_subcommand(name) else {
        return String::new();
    };
    let shown = command
        .get_arguments()
        .filter(|it| !it.is_hide_set() && it.get_long().is_some())
        // Not settings: what they print is all that a command with them does.
        .filter(|it| !is_question(it));
    shown.map(|argument| line(argument, matches)).collect()
}

fn is_question(argument: &Arg) -> bool {
    use ArgAction::{Help, HelpLong, HelpShort, Version};
    matches!(argument.get_action(), Help | HelpLong | HelpShort | Version)
}

fn line(argument: &Arg, matches: &ArgMatches) -> String {
    let id = argument.get_id().as_str();
    let flag = argument.get_long().unwrap_or_default();
    let refused = format!("no-{id}");
    let is_refused = matches!(matches.try_get_one(&refused), Ok(Some(&true)));
    if is_refused && source(matches, &refused) == Some("command line") {
        return format!("{flag}: false # command line\n");
    }
    let Some(source) = source(matches, id) else {
        return format!("{flag}: null\n");
    };
    // What must not be shown in the help must not be shown here.
    if argument.is_hide_env_values_set() {
        return format!("{flag}: <secret> # {source}\n");
    }
    let values = matches.get_raw(id).into_iter().flatten();
    let values: Vec<_> = values.map(|it| shown(&it.to_string_lossy())).collect();
    match values.as_slice() {
        [one] => format!("{flag}: {one} # {source}\n"),
        many => format!("{flag}: [{}] # {source}\n", many.join(", ")),
    }
}

fn source(matches: &ArgMatches, id: &str) -> Option<&'static str> {
    match matches.value_source(id)? {
        ValueSource::CommandLine => Some("command line"),
        ValueSource::EnvVariable => Some("environment"),
        _ => Some("default"),
    }
}

/// The value as YAML, without the user and password of a URL.
fn shown(value: &str) -> String {
    let plain = super::without_userinfo(value);
    match plain.parse::<f64>().is_ok() || plain == "true" || plain == "false" {
        true => plain,
        false => serde_json::Value::from(plain).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    fn effective(arguments: &[&str]) -> String {
        let mut command = Cli::command();
        let arguments = [&["exporter", "serve"], arguments].concat();
        let matches = command.try_get_matches_from_mut(arguments).unwrap();
        settings(&command, &matches)
    }

    fn check(arguments: &[&str], line: &str) {
        let found = effective(arguments);
        assert!(found.lines().any(|it| it == line), "{line}: {found}");
    }

    #[test]
    fn every_setting_is_told_with_its_source() {
        check(&[], "collect.timeout: \"10s\" # default");
        check(
            &["--collect.timeout=3s"],
            "collect.timeout: \"3s\" # command line",
        );
        check(
            &["--web.max-requests", "7"],
            "web.max-requests: 7 # command line",
        );
        check(&[], "web.config.file: null");
        check(&["--web.disable-ui"], "web.disable-ui: true # command line");
        check(
            &["--no-collector.apps"],
            "collector.apps: false # command line",
        );
        let both = "--web.listen-address=:1,[::1]:2";
        check(
            &[both],
            "web.listen-address: [\":1\", \"[::1]:2\"] # command line",
        );
        let flags = Cli::command();
        let flags = flags.find_subcommand("serve").unwrap().get_arguments();
        let flags = flags.filter(|it| !it.is_hide_set() && it.get_long().is_some());
        let flags = flags.filter(|it| !matches!(it.get_long(), Some("help" | "version")));
        assert!(!effective(&[]).contains("help:"), "{}", effective(&[]));
        for flag in flags.filter_map(Arg::get_long) {
            assert!(effective(&[]).contains(&format!("{flag}: ")), "{flag}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        let url = "--postgres.url=postgres://u:hunter2@h/d";
        let found = effective(&[url]);
        assert!(
            found.contains("postgres.url: <secret> # command line"),
            "{found}"
        );
        let misplaced = effective(&["--postgres.url-file=postgres://u:hunter2@h/d"]);
        assert!(!(found + &misplaced).contains("hunter2"), "{misplaced}");
    }
}
