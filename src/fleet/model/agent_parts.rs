//! What a template gives one agent besides its row: scripts, monitors, and where to look for help.

use std::fmt;

use crate::fleet::model::time::Timestamp;

/// The parts of one agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentParts {
    /// Its scripts by name, each with its last run.
    pub scripts: Vec<ScriptState>,
    /// Its monitors, memory first.
    pub monitors: Vec<Monitor>,
    /// `workspace_agents.troubleshooting_url`; `None` if the template sets none, or one that is
    /// longer than it may be.
    pub troubleshooting_url: Option<Box<str>>,
}

/// A script of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptState {
    /// `workspace_agent_scripts.display_name`, which the template's author chose.
    pub name: Box<str>,
    /// `workspace_agent_scripts.run_on_start`.
    pub runs_at_start: bool,
    /// Its last run that ended; `None` if none has.
    pub last_run: Option<ScriptRun>,
}

/// A run of a script. Coder writes it when the script ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptRun {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it ran.
    pub seconds: f64,
    /// What it ended with.
    pub exit_code: i32,
    /// `start`, `stop` or `cron`.
    pub stage: Box<str>,
    /// `ok`, `exit_failure`, `timed_out`, `pipes_left_open`, or what a later Coder adds.
    pub status: Box<str>,
}

/// How a script went, in the agent's present start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has ended without an error.
    Succeeded,
    /// It has ended in another way.
    Failed,
    /// The agent's start began, and the script has not ended since.
    NotEnded,
    /// It has not run.
    NeverRan,
}

impl ScriptState {
    /// How it went. A run from before `started_at`, when the agent's process began its start, says
    /// nothing about a script that runs at each start.
    pub fn progress(&self, started_at: Option<Timestamp>) -> Progress {
        let is_of_now = |it: &&ScriptRun| {
            !self.runs_at_start || started_at.is_none_or(|at| it.started_at >= at)
        };
        match self.last_run.as_ref().filter(is_of_now) {
            Some(run) if &*run.status == "ok" => Progress::Succeeded,
            Some(_) => Progress::Failed,
            None if self.runs_at_start && started_at.is_some() => Progress::NotEnded,
            None => Progress::NeverRan,
        }
    }
}

/// What an agent measures of its machine, and whether it is too much.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Memory or a volume.
    pub watched: Watched,
    /// `enabled`: whether it measures at all.
    pub is_enabled: bool,
    /// The percentage that is too much.
    pub threshold: i32,
    /// Whether it is above its threshold: Coder's state `NOK`.
    pub is_above: bool,
}

/// What a monitor watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// The memory of the agent's machine or container.
    Memory,
    /// The volume with this path.
    Volume(Box<str>),
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Volume(path) => write!(f, "volume {path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;

    #[test]
    fn run_of_an_earlier_start_says_nothing_about_this_one() {
        let script = |runs_at_start, run: Option<(i64, &str)>| ScriptState {
            name: "Install".into(),
            runs_at_start,
            last_run: run.map(|(started_at, status)| ScriptRun {
                started_at: at(started_at),
                seconds: 1.0,
                exit_code: 0,
                stage: "start".into(),
                status: status.into(),
            }),
        };
        let check = |runs_at_start, run, started_at: Option<i64>, expected| {
            let script = script(runs_at_start, run);
            assert_eq!(script.progress(started_at.map(at)), expected, "{script:?}");
        };
        check(true, Some((10, "ok")), Some(10), Progress::Succeeded);
        check(true, Some((10, "timed_out")), Some(10), Progress::Failed);
        check(
            true,
            Some((10, "of a later Coder")),
            Some(10),
            Progress::Failed,
        );
        check(true, Some((9, "ok")), Some(10), Progress::NotEnded);
        check(true, None, Some(10), Progress::NotEnded);
        check(true, None, None, Progress::NeverRan);
        // By the clock or at the stop: its last run is its last run.
        check(false, Some((9, "ok")), Some(10), Progress::Succeeded);
        check(false, None, Some(10), Progress::NeverRan);
    }
}
