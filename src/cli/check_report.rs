//! The lines of `check`: as they come for people, all at the end for programs.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::config::output_args::DetailFormat;

use super::{CommandError, print_details};

/// What has been checked so far.
pub(super) struct Report {
    format: Option<DetailFormat>,
    /// Whether lines are printed as they come.
    prints: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    check: String,
    verdict: Verdict,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// Not as it should be, and the exporter goes on all the same.
    Warn,
    Fail,
}

/// The output of `-o json`.
#[derive(Serialize)]
struct Fields<'a> {
    ok: bool,
    checks: &'a [Check],
}

impl Check {
    fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        format!("{verdict:<4}  {:<22}  {}", self.check, self.detail)
    }
}

impl Report {
    pub(super) fn new(format: Option<DetailFormat>) -> Self {
        Self {
            format,
            prints: format.is_none(),
            checks: Vec::new(),
        }
    }

    /// One that prints nothing.
    pub(super) fn silent() -> Self {
        Self {
            prints: false,
            ..Self::new(None)
        }
    }

    /// What people read of it.
    pub(super) fn lines(&self) -> String {
        self.checks.iter().map(|it| it.line() + "\n").collect()
    }

    pub(super) fn good(&mut self, what: &str, text: &str) {
        self.add(Verdict::Ok, what, text.to_owned());
    }

    pub(super) fn warn(&mut self, what: &str, text: &str) {
        self.add(Verdict::Warn, what, text.to_owned());
    }

    pub(super) fn bad(&mut self, what: &str, failure: &dyn fmt::Display) {
        self.add(Verdict::Fail, what, failure.to_string());
    }

    pub(super) fn missed(&mut self, what: &str) {
        let text = "not run because of an earlier failure";
        self.add(Verdict::Fail, what, text.to_owned());
    }

    pub(super) fn has_failed(&self) -> bool {
        self.checks.iter().any(|it| it.verdict == Verdict::Fail)
    }

    fn add(&mut self, verdict: Verdict, what: &str, detail: String) {
        let check = Check {
            check: what.to_owned(),
            verdict,
            detail,
        };
        if self.prints {
            let _ = writeln!(io::stdout().lock(), "{}", check.line());
        }
        self.checks.push(check);
    }

    /// Prints what has not been printed yet, and says what the command exits with.
    pub(super) fn end(self) -> Result<ExitCode, CommandError> {
        let ok = !self.has_failed();
        if let Some(format) = self.format {
            let checks = &self.checks;
            print_details(format, &Fields { ok, checks })?;
        }
        Ok(match ok {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}
