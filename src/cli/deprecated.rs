//! Settings that have another name by now. The old name works for two more minor versions
//! (`docs/upgrade.md`).

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use super::variables::{is_set, variable};

/// A setting with another name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renamed {
    /// The flag that it was, without dashes.
    flag: &'static str,
    /// The variable that it was.
    variable: &'static str,
    /// The flag that it is.
    now: &'static str,
    /// The version that knows the new name only.
    ends: &'static str,
}

/// All of them, of flags with a variable: every setting has one.
pub(super) const RENAMED: &[Renamed] = &[];

/// The commands, which also take the old names that are still in use.
pub(super) fn command() -> Command {
    with_old_names(Cli::command(), RENAMED, is_set)
}

/// Each argument takes its old flag as well, and its old variable where only that is set.
fn with_old_names(
    command: Command,
    renamed: &'static [Renamed],
    is_set: impl Fn(&str) -> bool + Copy,
) -> Command {
    command.mut_subcommands(|command| {
        command.mut_args(|argument| match renaming(&argument, renamed) {
            Some(it) => {
                match is_set(it.variable) && !variable(&argument).is_some_and(|it| is_set(&it)) {
                    true => argument.alias(it.flag).env(it.variable),
                    false => argument.alias(it.flag),
                }
            }
            None => argument,
        })
    })
}

/// A sentence for each old name that is in use, with the name to use instead.
pub(super) fn in_use(arguments: &[OsString]) -> Vec<String> {
    old_names(&Cli::command(), RENAMED, arguments, is_set)
}

fn old_names(
    command: &Command,
    renamed: &'static [Renamed],
    arguments: &[OsString],
    is_set: impl Fn(&str) -> bool,
) -> Vec<String> {
    let name = arguments.get(1).and_then(|it| it.to_str());
    let command = name.and_then(|it| command.find_subcommand(it));
    let mut sentences = Vec::new();
    for argument in command.into_iter().flat_map(Command::get_arguments) {
        let Some(Renamed {
            flag,
            variable: old,
            now,
            ends,
        }) = renaming(argument, renamed)
        else {
            continue;
        };
        let flag = format!("--{flag}");
        if arguments.iter().any(|it| is_flag(it, &flag)) {
            sentences.push(sentence(&flag, ends, &format!("--{now}")));
        }
        if is_set(old) {
            sentences.push(sentence(old, ends, &variable(argument).unwrap_or_default()));
        }
    }
    sentences
}

fn sentence(old: &str, ends: &str, now: &str) -> String {
    format!("{old} is deprecated and ends with version {ends}: use {now} instead")
}

fn renaming(argument: &Arg, renamed: &'static [Renamed]) -> Option<&'static Renamed> {
    let flag = argument.get_long()?;
    renamed.iter().find(|it| it.now == flag)
}

fn is_flag(argument: &OsString, flag: &str) -> bool {
    let argument = argument.to_string_lossy();
    let rest = argument.strip_prefix(flag);
    rest.is_some_and(|it| it.is_empty() || it.starts_with('='))
}

/// Every setting of every command, with its variable and its default, by each of its names.
#[cfg(test)]
pub(crate) fn known_settings() -> Vec<String> {
    let cli = Cli::command();
    let mut known = Vec::new();
    for command in cli.get_subcommands() {
        for argument in command.get_arguments() {
            let Some(flag) = argument.get_long() else {
                continue;
            };
            let name = command.get_name();
            let defaults = argument.get_default_values().join(",".as_ref());
            let mut add = |flag: &str, variable: &str| {
                let line = format!("{name} --{flag} {variable} {}", defaults.to_string_lossy());
                known.push(line.trim_end().to_owned());
            };
            add(flag, &variable(argument).unwrap_or_default());
            if let Some(it) = renaming(argument, RENAMED) {
                add(it.flag, it.variable);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::super::effective;
    use super::*;

    /// Two settings that had other names. The variable of the second is one that every process has.
    const TABLE: &[Renamed] = &[
        Renamed {
            flag: "collect.patience",
            variable: "CODER_EXPORTER_COLLECT_PATIENCE",
            now: "collect.timeout",
            ends: "0.4.0",
        },
        Renamed {
            flag: "web.file",
            variable: "PATH",
            now: "web.config.file",
            ends: "0.4.0",
        },
    ];

    fn words(arguments: &str) -> Vec<OsString> {
        let words = ["exporter"].into_iter().chain(arguments.split_whitespace());
        words.map(OsString::from).collect()
    }

    /// The settings in effect when these variables are set.
    fn effective(arguments: &str, set: &[&str]) -> String {
        let mut command = with_old_names(Cli::command(), TABLE, |it| set.contains(&it));
        let matches = command.try_get_matches_from_mut(words(arguments)).unwrap();
        effective::settings(&command, &matches)
    }

    fn told(arguments: &str, set: &[&str]) -> Vec<String> {
        old_names(&Cli::command(), TABLE, &words(arguments), |it| {
            set.contains(&it)
        })
    }

    #[test]
    fn old_flag_means_the_new_one() {
        for arguments in ["serve --collect.patience=3s", "serve --collect.patience 3s"] {
            let found = effective(arguments, &[]);
            assert!(
                found.contains("collect.timeout: \"3s\" # command line"),
                "{found}"
            );
            assert_eq!(
                told(arguments, &[]),
                [
                    "--collect.patience is deprecated and ends with version 0.4.0: use \
                  --collect.timeout instead"
                ]
            );
        }
    }

    #[test]
    fn old_variable_counts_until_the_new_one_is_set() {
        let old = effective("serve", &["PATH"]);
        let line = old
            .lines()
            .find(|it| it.starts_with("web.config.file: "))
            .unwrap();
        assert!(line.ends_with("# environment"), "{line}");
        let both = ["PATH", "CODER_EXPORTER_WEB_CONFIG_FILE"];
        assert!(effective("serve", &both).contains("web.config.file: null\n"));
        // It is still in the way of the next version.
        for set in [&both[..1], &both] {
            assert_eq!(
                told("serve", set),
                ["PATH is deprecated and ends with version 0.4.0: use \
                  CODER_EXPORTER_WEB_CONFIG_FILE instead"]
            );
        }
    }

    #[test]
    fn new_names_and_commands_without_the_setting_are_told_nothing() {
        assert_eq!(told("serve --collect.timeout=3s", &[]), [""; 0]);
        assert_eq!(told("serve --collect.patience2=3s", &[]), [""; 0]);
        assert_eq!(told("metrics", &["PATH"]), [""; 0]);
    }
}
