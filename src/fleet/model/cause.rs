//! Why an agent has its problem, as far as it can be told (`docs/spec/causes.md`).

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A cause that is proved by what the database says. Most problems have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// Stuck in `created`: what is connected with its token is no agent.
    TokenElsewhere,
    /// Stuck in `created`: its process outlived a build, reconnected to the new row and had
    /// nothing new to report: an agent of the same name reached `ready` in an earlier build.
    SurvivedBuild,
    /// Stuck in `created`: it never reported anything, as far as is known.
    NeverReported,
    /// Never connected: a process of an earlier build runs on, with the token of its own row.
    OldProcess,
    /// Lost: the coderd that held its connection is gone.
    CoderdGone,
    /// Lost: its memory was above the threshold that the template sets.
    MemoryHigh,
    /// Lost: a volume was above the threshold that the template sets.
    DiskHigh,
    /// Its start failed: a script ended with an exit code.
    ExitCode,
    /// Its start failed: a script took longer than the template allows.
    TimedOut,
    /// Its start failed: a script ended, and what it started kept its output open.
    PipesLeftOpen,
    /// Its start does not end: a script has not ended.
    ScriptRunning,
}

impl Cause {
    /// What a script's status means to its agent; `None` is a script that has not ended. A status
    /// that a later Coder adds is no cause.
    pub fn of_script(status: Option<&str>) -> Option<Self> {
        match status {
            None => Some(Self::ScriptRunning),
            Some("exit_failure") => Some(Self::ExitCode),
            Some("timed_out") => Some(Self::TimedOut),
            Some("pipes_left_open") => Some(Self::PipesLeftOpen),
            Some(_) => None,
        }
    }
}

/// A script that failed, or has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// `workspace_agent_scripts.display_name`, which the template's author chose.
    pub name: Box<str>,
    /// What it ended with; `None`: it has not ended.
    pub exit_code: Option<i32>,
    /// How long it ran; `None`: it has not ended.
    pub seconds: Option<f64>,
}

impl fmt::Display for Script {
    /// "Install tools: exit code 3 after 12.3 s"
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &*self.name {
            "" => "(no name)",
            name => name,
        };
        match (self.exit_code, self.seconds) {
            (Some(code), Some(seconds)) => {
                write!(f, "{name}: exit code {code} after {seconds:.1} s")
            }
            (Some(code), None) => write!(f, "{name}: exit code {code}"),
            (None, _) => write!(f, "{name}: has not ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_is_told_with_how_it_ended() {
        let told = |name: &str, exit_code, seconds| {
            let name = name.into();
            let script = Script {
                name,
                exit_code,
                seconds,
            };
            script.to_string()
        };
        assert_eq!(
            told("Install tools", Some(3), Some(12.34)),
            "Install tools: exit code 3 after 12.3 s"
        );
        assert_eq!(told("", None, None), "(no name): has not ended");
    }

    #[test]
    fn script_of_a_status_that_a_later_coder_adds_is_no_cause() {
        assert_eq!(Cause::of_script(Some("skipped")), None);
        assert_eq!(Cause::of_script(None), Some(Cause::ScriptRunning));
    }
}
