//! Which settings come from a variable of the environment, so that an error names what to change.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};

use crate::config::SettingError;

/// The flags whose value comes from a variable, and the variable of each.
#[derive(Default)]
pub(super) struct FromVariables(Vec<(String, String)>);

impl FromVariables {
    pub(super) fn of(command: &Command, matches: &ArgMatches) -> Self {
        let subcommand = matches.subcommand();
        let Some((name, matches)) = subcommand else {
            return Self::default();
        };
        let command = command.find_subcommand(name);
        let arguments = command.into_iter().flat_map(Command::get_arguments);
        let from_variable = arguments.filter(|it| {
            let source = matches.value_source(it.get_id().as_str());
            source == Some(ValueSource::EnvVariable)
        });
        let pairs =
            from_variable.filter_map(|it| Some((format!("--{}", it.get_long()?), variable(it)?)));
        Self(pairs.collect())
    }

    /// The error with the variable before the flag, where the value comes from one.
    pub(super) fn name(&self, error: SettingError) -> SettingError {
        let mut pairs = self.0.iter();
        match pairs.find(|(flag, _)| *flag == error.flag) {
            Some((flag, variable)) => SettingError {
                flag: format!("{variable} ({flag})"),
                problem: error.problem,
            },
            None => error,
        }
    }
}

/// Clap's error about a value that it cannot parse, with the variable where the flag is not among the
/// arguments. Clap names the flag only. A secret is not repeated.
pub(super) fn named(mut error: Error, command: &Command, arguments: &[OsString]) -> Error {
    let Some(argument) = argument_of(&error, command, arguments) else {
        return error;
    };
    if argument.is_hide_env_values_set() && error.get(ContextKind::InvalidValue).is_some() {
        let hidden = ContextValue::String("<secret>".into());
        error.insert(ContextKind::InvalidValue, hidden);
    }
    let flag = format!("--{}", argument.get_long().unwrap_or_default());
    let is_given = arguments.iter().any(|it| {
        let it = it.to_string_lossy();
        it == flag || it.starts_with(&format!("{flag}="))
    });
    if let Some(variable) = variable(argument).filter(|it| !is_given && is_set(it)) {
        let both = format!("{variable} ({flag})");
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}

/// The argument that clap's error is about, whether or not [`named`] has changed its name.
pub(super) fn argument_of<'a>(
    error: &Error,
    command: &'a Command,
    arguments: &[OsString],
) -> Option<&'a Arg> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = shown.find("--").map_or(&**shown, |it| &shown[it..]);
    argument(command, arguments, flag)
}

/// The argument that clap shows as `--flag <VALUE>`.
fn argument<'a>(command: &'a Command, arguments: &[OsString], shown: &str) -> Option<&'a Arg> {
    let name = arguments.get(1)?.to_str()?;
    let mut flags = command.find_subcommand(name)?.get_arguments();
    let end = shown.find([' ', '[', '=', ')']).unwrap_or(shown.len());
    let long = shown[..end].strip_prefix("--")?;
    flags.find(|it| it.get_long() == Some(long))
}

fn variable(argument: &Arg) -> Option<String> {
    Some(argument.get_env()?.to_string_lossy().into_owned())
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_is_named_by_where_it_comes_from() {
        let pair = |flag: &str, variable: &str| (flag.to_owned(), variable.to_owned());
        let variables = FromVariables(vec![pair("--coder.url", "CODER_EXPORTER_CODER_URL")]);
        let name = |flag| variables.name(SettingError::new(flag, "wrong")).to_string();
        assert_eq!(
            name("--coder.url"),
            "CODER_EXPORTER_CODER_URL (--coder.url): wrong"
        );
        assert_eq!(name("--web.external-url"), "--web.external-url: wrong");
    }
}
