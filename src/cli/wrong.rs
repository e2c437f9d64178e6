//! Everything that is wrong with the settings, where one thing is: so that a person mends them all at
//! once.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Error, FromArgMatches};

use crate::config::SettingError;

use super::variables::{self, FromVariables};
use super::{Cli, settings};

/// More wrong values than this are not looked for.
const MOST: usize = 50;

/// All values that clap refuses, the first of them `first`, and what else is wrong.
pub(super) fn values(first: Error, arguments: &[OsString]) -> (Vec<Error>, Vec<SettingError>) {
    let mut command = Cli::command();
    let mut arguments = arguments.to_vec();
    let mut errors = vec![first];
    let mut left_out = Vec::new();
    while errors.len() < MOST {
        let Some(flag) = errors
            .last()
            .and_then(|it| flag_of(it, &command, &arguments))
        else {
            break;
        };
        command = without(command, &mut arguments, &flag);
        left_out.push(flag);
        match command.clone().try_get_matches_from(&arguments) {
            Err(error) => errors.push(variables::named(error, &command, &arguments)),
            Ok(matches) => {
                let from = FromVariables::of(&command, &matches);
                let cli = Cli::from_arg_matches(&matches).ok();
                let others = cli.map(|it| others(&it.command, &left_out));
                let others = others.into_iter().flatten().map(|it| from.name(it));
                return (errors, others.collect());
            }
        }
    }
    (errors, Vec::new())
}

/// What is wrong with the settings of the exporter, but not with those that may need one that was
/// left out: its group, such as `--probe.`.
fn others(command: &super::Command, left_out: &[String]) -> Vec<SettingError> {
    let serve = match command {
        super::Command::Serve(args) => args,
        super::Command::Check(args) => &args.serve,
        _ => return Vec::new(),
    };
    let group = |flag: &str| {
        let name = flag.trim_start_matches("--");
        name.split('.').next().map(str::to_owned)
    };
    let mut found = settings::wrong(serve);
    found.retain(|it| left_out.iter().all(|out| group(out) != group(&it.flag)));
    found
}

/// The flag whose value is refused; `None` where another sort of error ends the search.
fn flag_of(error: &Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let is_value = matches!(
        error.kind(),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue
    );
    let argument = variables::argument_of(error, command, arguments).filter(|_| is_value)?;
    argument.get_long().map(str::to_owned)
}

/// The command and its arguments without this flag and its variable.
fn without(command: Command, arguments: &mut Vec<OsString>, flag: &str) -> Command {
    let long = format!("--{flag}");
    let with_value = format!("{long}=");
    let is_value_of = |before: Option<&OsString>| before.is_some_and(|it| *it == *long);
    let mut kept = Vec::new();
    for (index, it) in arguments.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|it| arguments.get(it));
        let text = it.to_string_lossy();
        if text != long && !text.starts_with(&with_value) && !is_value_of(before) {
            kept.push(it.clone());
        }
    }
    let name = kept.get(1).map(|it| it.to_string_lossy().into_owned());
    *arguments = kept;
    let Some(name) = name.filter(|it| command.find_subcommand(it).is_some()) else {
        return command;
    };
    command.mut_subcommand(name, |it| {
        it.mut_args(|argument| match argument.get_long() == Some(flag) {
            true => argument.env(None::<&'static str>),
            false => argument,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arguments: &[&str]) -> (Vec<String>, Vec<String>) {
        let words = [&["exporter"], arguments].concat();
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let first = Cli::command().try_get_matches_from(&words).unwrap_err();
        let (errors, others) = values(first, &words);
        let errors = errors.iter().map(ToString::to_string);
        let others = others.iter().map(ToString::to_string);
        (errors.collect(), others.collect())
    }

    #[test]
    fn every_refused_value_is_found_and_what_else_is_wrong() {
        let (errors, others) = found(&[
            "serve",
            "--agent.inactive-timeout=abc",
            "--probe.interval",
            "soon",
            "--probe.dialer=tcp",
            "--postgres.url=nonsense",
            "--web.grafana-url=grafana",
            "--web.external-url=ops",
        ]);
        for (error, flag) in errors.iter().zip(["inactive-timeout", "probe.interval"]) {
            assert!(error.contains(flag), "{errors:?}");
        }
        assert_eq!(errors.len(), 2, "{errors:?}");
        let flags = ["--postgres.url", "--web.grafana-url", "--web.external-url"];
        for (other, flag) in others.iter().zip(flags) {
            assert!(other.starts_with(flag), "{others:?}");
        }
        // The dialer may need what was left out.
        assert_eq!(others.len(), 3, "{others:?}");
    }

    #[test]
    fn unknown_flag_is_the_only_error() {
        let (errors, others) = found(&["serve", "--no-such-flag", "--postgres.url=nonsense"]);
        assert_eq!(
            (errors.len(), others.len()),
            (1, 0),
            "{errors:?} {others:?}"
        );
    }
}
