//! The command line before it is parsed: the command may follow the flags, or be left out.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// What the help and the main page of the manual say last.
const LAST: &str = "\
Without a command, the exporter serves. Flags may stand before the command or after it.
coder-agent-exporter COMMAND --help shows the flags of a command, and what it exits with.

Exit codes of all commands: 0 done, 1 a failure, 64 a wrong setting";

/// The commands together with the flags of `serve`: what the program does without a command. For
/// help, manual and completion; parsing would ask for variables that a command does not use.
pub(super) fn whole() -> Command {
    let command = Cli::command();
    let serve = command.find_subcommand("serve");
    let flags: Vec<_> = serve
        .into_iter()
        .flat_map(Command::get_arguments)
        .cloned()
        .collect();
    command
        .args(flags)
        .subcommand_required(false)
        .after_help(LAST)
}

/// Whether the arguments ask for the help of the whole program.
pub(super) fn ask_for_help(arguments: &[OsString]) -> bool {
    let words: Vec<_> = arguments.iter().skip(1).map(|it| it.to_str()).collect();
    matches!(words.first(), Some(Some("-h" | "--help"))) || words == [Some("help")]
}

/// Moves the command to the front, and inserts `serve` where there is none.
pub(super) fn ordered(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let first = arguments.get(1).and_then(|it| it.to_str());
    if matches!(first, Some("-h" | "--help" | "-V" | "--version")) {
        return arguments;
    }
    let command = match place_of_command(&arguments) {
        Some(place) => arguments.remove(place),
        None => "serve".into(),
    };
    arguments.insert(1.min(arguments.len()), command);
    arguments
}

/// The first argument that is neither a flag nor the value of one.
fn place_of_command(arguments: &[OsString]) -> Option<usize> {
    let cli = Cli::command();
    let mut is_value = false;
    for (place, argument) in arguments.iter().enumerate().skip(1) {
        let text = argument.to_string_lossy();
        if is_value {
            is_value = false;
        } else if text == "--" {
            return None;
        } else if text.starts_with('-') && text != "-" {
            is_value = takes_next(&cli, &text);
        } else {
            return Some(place);
        }
    }
    None
}

/// Whether the next argument is the value of this flag.
fn takes_next(cli: &Command, flag: &str) -> bool {
    let is_it = |it: &&Arg| match flag.strip_prefix("--") {
        Some(long) => it.get_long() == Some(long),
        None => flag.strip_prefix('-').map(str::to_owned) == it.get_short().map(String::from),
    };
    let commands = cli.get_subcommands();
    let found = commands.flat_map(Command::get_arguments).find(is_it);
    found.is_some_and(|it| it.get_action().takes_values() && !it.is_require_equals_set())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, expected: &str) {
        let words = ["exporter"].into_iter().chain(arguments.split_whitespace());
        let found = ordered(words.map(OsString::from));
        let found: Vec<_> = found[1..].iter().map(|it| it.to_str().unwrap()).collect();
        assert_eq!(found.join(" "), expected, "{arguments}");
    }

    #[test]
    fn command_may_follow_its_flags() {
        check("--postgres.url=x status", "status --postgres.url=x");
        check(
            "--postgres.url x status --problems",
            "status --postgres.url x --problems",
        );
        // A value that is the name of a command, and flags that take none.
        check("--postgres.url status", "serve --postgres.url status");
        check("--collector.apps check", "check --collector.apps");
        check("--web.disable-ui check", "check --web.disable-ui");
        check("-o json version", "version -o json");
        check("--json explain a/b", "explain --json a/b");
        check("explain --json a/b", "explain --json a/b");
    }

    #[test]
    fn without_a_command_it_serves() {
        check("", "serve");
        check("--web.disable-ui", "serve --web.disable-ui");
        check("-- status", "serve -- status");
        for question in ["-h", "--help", "-V", "--version"] {
            check(question, question);
        }
    }

    #[test]
    fn whole_program_has_every_group_of_flags_once() {
        let mut whole = whole();
        whole.build();
        let help = whole.render_help().to_string();
        let serve = Cli::command();
        let serve = serve.find_subcommand("serve").unwrap();
        let headings = serve.get_arguments().filter_map(Arg::get_help_heading);
        for heading in headings {
            let line = format!("\n{heading}:\n");
            assert_eq!(help.matches(&line).count(), 1, "{heading}: {help}");
        }
    }
}
