//! Settings that are still taken under the name that they had in an earlier version
//! (`docs/upgrade.md`, *Versions*).

use std::ffi::{OsStr, OsString};

/// A flag that has another name now. The names of its variable follow from those of the flag.
#[derive(Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The name until then, without dashes.
    pub old: &'static str,
    /// The name of today, without dashes.
    pub new: &'static str,
    /// The first version that no longer takes the old name.
    pub until: &'static str,
}

/// All that are taken at present: none.
pub const RENAMED: &[Renamed] = &[];

/// The value of a variable of the environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Renamed {
    /// What the log says at the start.
    pub fn sentence(&self) -> String {
        let Self { old, new, until } = self;
        let (from, to) = (variable(old), variable(new));
        format!(
            "--{old} ({from}) is deprecated and works until version {until}: use --{new} ({to})"
        )
    }
}

/// Gives flags the names of today. Returns those that were given by an earlier one.
pub fn rename_flags<'a>(arguments: &mut [OsString], all: &'a [Renamed]) -> Vec<&'a Renamed> {
    let mut found = Vec::new();
    for argument in arguments.iter_mut().take_while(|it| *it != "--") {
        let Some((renamed, rest)) = all
            .iter()
            .find_map(|it| Some((it, rest_of(argument, it.old)?)))
        else {
            continue;
        };
        *argument = flag(renamed.new, &rest);
        found.push(renamed);
    }
    found
}

/// Adds a flag for each variable that was given by an earlier name, where the command has such a flag
/// and nothing sets it by the name of today. Returns these settings.
pub fn add_variables<'a>(
    arguments: &mut Vec<OsString>,
    variables: Variable<'_>,
    is_flag: impl Fn(&str) -> bool,
    all: &'a [Renamed],
) -> Vec<&'a Renamed> {
    let end = arguments.iter().position(|it| it == "--");
    let end = end.unwrap_or(arguments.len());
    let is_given = |name: &str| {
        arguments[..end]
            .iter()
            .any(|it| rest_of(it, name).is_some())
    };
    let (mut found, mut flags) = (Vec::new(), Vec::new());
    for renamed in all.iter().filter(|it| is_flag(it.new)) {
        let Some(value) = variables(&variable(renamed.old)) else {
            continue;
        };
        found.push(renamed);
        if !is_given(renamed.new) && variables(&variable(renamed.new)).is_none() {
            let mut rest = OsString::from("=");
            rest.push(value);
            flags.push(flag(renamed.new, &rest));
        }
    }
    arguments.splice(end..end, flags);
    found
}

/// What follows the name of a flag: nothing, or `=` and a value. `None` if it is another argument.
fn rest_of(argument: &OsStr, name: &str) -> Option<OsString> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let rest = argument.as_bytes().strip_prefix(b"--")?;
    let rest = rest.strip_prefix(name.as_bytes())?;
    (rest.is_empty() || rest.starts_with(b"=")).then(|| OsString::from_vec(rest.to_vec()))
}

fn flag(name: &str, rest: &OsStr) -> OsString {
    let mut flag = OsString::from(format!("--{name}"));
    flag.push(rest);
    flag
}

/// The variable of a flag.
pub fn variable(flag: &str) -> String {
    let name = flag.replace(['.', '-'], "_").to_uppercase();
    format!("CODER_EXPORTER_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Renamed] = &[
        Renamed {
            old: "probe.rate",
            new: "probe.sample",
            until: "0.4",
        },
        Renamed {
            old: "web.no-ui",
            new: "web.disable-ui",
            until: "0.4",
        },
    ];

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    fn old_names(found: &[&Renamed]) -> Vec<&'static str> {
        found.iter().map(|it| it.old).collect()
    }

    fn check_flags(given: &str, expected: &str, old: &[&str]) {
        let mut arguments = words(given);
        let found = rename_flags(&mut arguments, ALL);
        assert_eq!(arguments, words(expected), "{given}");
        assert_eq!(old_names(&found), old, "{given}");
    }

    #[test]
    fn flag_is_taken_by_its_earlier_name() {
        check_flags(
            "serve --probe.rate 5",
            "serve --probe.sample 5",
            &["probe.rate"],
        );
        check_flags(
            "--web.no-ui --probe.rate=5 serve",
            "--web.disable-ui --probe.sample=5 serve",
            &["web.no-ui", "probe.rate"],
        );
        for others in [
            "--probe.rates=5",
            "--probe.sample=5",
            "-- --probe.rate",
            "probe.rate",
        ] {
            check_flags(others, others, &[]);
        }
    }

    fn check_variables(given: &str, set: &[(&str, &str)], expected: &str, old: &[&str]) {
        let mut arguments = words(given);
        let variables = |name: &str| {
            let found = set.iter().find(|it| it.0 == name)?;
            Some(found.1.into())
        };
        let is_flag = |name: &str| name == "probe.sample";
        let found = add_variables(&mut arguments, &variables, is_flag, ALL);
        assert_eq!(arguments, words(expected), "{given} {set:?}");
        assert_eq!(old_names(&found), old, "{given} {set:?}");
    }

    #[test]
    fn variable_is_taken_by_its_earlier_name_unless_something_newer_says_otherwise() {
        const OLD: (&str, &str) = ("CODER_EXPORTER_PROBE_RATE", "5");
        const NEW: (&str, &str) = ("CODER_EXPORTER_PROBE_SAMPLE", "6");
        const ELSEWHERE: (&str, &str) = ("CODER_EXPORTER_WEB_NO_UI", "true");
        check_variables("serve", &[OLD], "serve --probe.sample=5", &["probe.rate"]);
        check_variables(
            "serve -- x",
            &[OLD],
            "serve --probe.sample=5 -- x",
            &["probe.rate"],
        );
        check_variables("serve", &[OLD, NEW], "serve", &["probe.rate"]);
        let flag = "serve --probe.sample 7";
        check_variables(flag, &[OLD], flag, &["probe.rate"]);
        check_variables("serve", &[NEW, ELSEWHERE], "serve", &[]);
    }

    #[test]
    fn sentence_names_both_ways_to_set_it_and_the_end() {
        assert_eq!(
            ALL[0].sentence(),
            "--probe.rate (CODER_EXPORTER_PROBE_RATE) is deprecated and works until version 0.4: \
             use --probe.sample (CODER_EXPORTER_PROBE_SAMPLE)"
        );
    }
}
