//! How a workspace is used: its *Activity*, in the API and as text. It accuses no person: an IDE in
//! the browser is traffic without a session.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::model::activity::are_stored;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::usage::Usage;
use crate::fleet::report::format::{age, moment};
use crate::fleet::report::schema::one_of_or_null;
use crate::fleet::stats::workspace_activity::WorkspaceActivity;

/// How the agent's workspace is used, by all agents of its latest build. Times are in RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActivitySummary {
    /// What the session reports of the last 3 minutes show. Null when Coder stores no reports.
    #[schemars(schema_with = "one_of_or_null::<WorkspaceActivity>")]
    pub state: Option<&'static str>,
    /// Open sessions by kind, such as `vscode`, `jetbrains`, `reconnecting_pty` (a web terminal) or
    /// `ssh`.
    pub sessions: BTreeMap<String, u64>,
    /// Connections of agents without an open session: a web app, a forwarded port, an open dashboard
    /// page, a monitor. Coder counts them as use.
    pub connections_without_session: u64,
    /// When the newest of these reports was stored; null when there is none.
    pub reported_at: Option<String>,
    /// When the workspace was last used, by Coder; null when it never was, or may not be read.
    pub last_used_at: Option<String>,
    /// When Coder stops the workspace, unless it is used; null when it has no deadline.
    pub deadline: Option<String>,
    /// By how many seconds the deadline has moved since `deadline_compared_at`; null before the
    /// second reading.
    pub deadline_moved_seconds: Option<f64>,
    /// The last reading of another deadline, or else the first one.
    pub deadline_compared_at: Option<String>,
}

impl ActivitySummary {
    /// The use at `now` of a workspace of which an agent is connected, or none.
    pub fn of(usage: &Usage, is_connected: bool, now: Timestamp) -> Self {
        let without = usage.reports.iter().filter(|it| it.sessions.is_empty());
        Self {
            state: state(usage, is_connected, now).map(WorkspaceActivity::as_str),
            sessions: sessions(usage),
            connections_without_session: without.map(|it| it.connections).sum(),
            reported_at: usage.reports.iter().map(|it| it.at).max().map(moment),
            last_used_at: usage.last_used_at.map(moment),
            deadline: usage.deadline.map(moment),
            deadline_moved_seconds: moved(usage),
            deadline_compared_at: usage.compared.map(|it| moment(it.at)),
        }
    }
}

/// The same for people: what it is used for, when it was last used, and when it stops.
pub fn usage_lines(
    usage: &Usage,
    is_connected: bool,
    now: Timestamp,
) -> [(&'static str, String); 3] {
    let last_used = match usage.last_used_at {
        Some(at) => format!("{}  {} ago", moment(at), age(now.seconds_since(at))),
        None => "never, as far as is known".into(),
    };
    [
        ("in use", in_use(usage, is_connected, now)),
        ("last used", last_used),
        ("autostop", autostop(usage, now)),
    ]
}

fn state(usage: &Usage, is_connected: bool, now: Timestamp) -> Option<WorkspaceActivity> {
    let has_session = usage.reports.iter().any(|it| !it.sessions.is_empty());
    let is_stored = are_stored(now, usage.newest_report);
    is_stored.then_some(match (usage.reports.is_empty(), is_connected) {
        (false, _) if has_session => WorkspaceActivity::Session,
        (false, _) => WorkspaceActivity::Traffic,
        (true, true) => WorkspaceActivity::Idle,
        (true, false) => WorkspaceActivity::Unknown,
    })
}

fn sessions(usage: &Usage) -> BTreeMap<String, u64> {
    let mut sessions = BTreeMap::new();
    for (kind, count) in usage.reports.iter().flat_map(|it| &it.sessions) {
        let all: &mut u64 = sessions.entry(kind.clone()).or_default();
        *all = all.saturating_add(*count);
    }
    sessions
}

fn moved(usage: &Usage) -> Option<f64> {
    let (deadline, compared) = (usage.deadline?, usage.compared?);
    Some(deadline.seconds_since(compared.deadline))
}

fn in_use(usage: &Usage, is_connected: bool, now: Timestamp) -> String {
    let mut text = match state(usage, is_connected, now) {
        None => return "unknown: Coder stores no session reports".into(),
        Some(WorkspaceActivity::Unknown) => return "unknown: no agent is connected".into(),
        Some(WorkspaceActivity::Idle) => {
            return "no: an agent is connected, and it reports no connections".into();
        }
        Some(WorkspaceActivity::Session) => {
            let sessions = sessions(usage);
            let sessions = sessions
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"));
            format!("open sessions: {}", sessions.collect::<Vec<_>>().join(", "))
        }
        Some(WorkspaceActivity::Traffic) => {
            let all: u64 = usage.reports.iter().map(|it| it.connections).sum();
            format!(
                "connections without a session: {all}, such as of a web app, which Coder counts as use"
            )
        }
    };
    if let Some(at) = usage.reports.iter().map(|it| it.at).max() {
        let _ = write!(text, " (reported {} ago)", age(now.seconds_since(at)));
    }
    text
}

fn autostop(usage: &Usage, now: Timestamp) -> String {
    let Some(deadline) = usage.deadline else {
        return "none: Coder does not stop it by itself".into();
    };
    let left = deadline.seconds_since(now);
    let mut text = match left < 0.0 {
        true => format!("{}  {} ago", moment(deadline), age(-left)),
        false => format!("{}  in {}", moment(deadline), age(left)),
    };
    if let (Some(moved), Some(compared)) = (moved(usage), usage.compared) {
        let _ = match moved {
            0.0 => write!(text, ", unmoved since {}", moment(compared.at)),
            _ => {
                let way = if moved > 0.0 { "later" } else { "earlier" };
                write!(
                    text,
                    ", {} {way} than at {}",
                    age(moved.abs()),
                    moment(compared.at)
                )
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fleet::fixtures::at;
    use crate::fleet::model::usage::{DeadlineReading, UsageReport};

    fn report(connections: u64, sessions: &[(&str, u64)]) -> UsageReport {
        let sessions = sessions
            .iter()
            .map(|(kind, count)| ((*kind).to_owned(), *count));
        UsageReport {
            agent: Uuid::from_u128(1),
            at: at(-20),
            connections,
            sessions: sessions.collect(),
        }
    }

    fn usage(reports: Vec<UsageReport>) -> Usage {
        Usage {
            newest_report: Some(at(-20)),
            reports,
            last_used_at: Some(at(-60)),
            build_number: Some(3),
            deadline: Some(at(3600)),
            compared: None,
        }
    }

    #[test]
    fn busiest_report_decides_and_counts_are_of_all_agents() {
        let state = |reports| {
            let summary = ActivitySummary::of(&usage(reports), true, at(0));
            (summary.state.unwrap(), summary.connections_without_session)
        };
        assert_eq!(state(vec![]), ("idle", 0));
        assert_eq!(state(vec![report(3, &[])]), ("traffic", 3));
        let both = vec![report(3, &[]), report(2, &[("ssh", 1)])];
        assert_eq!(state(both), ("session", 3));
        let twice = vec![
            report(1, &[("ssh", 1)]),
            report(2, &[("ssh", 2), ("vscode", 1)]),
        ];
        let summary = ActivitySummary::of(&usage(twice), true, at(0));
        let expected = [("ssh".to_owned(), 3), ("vscode".to_owned(), 1)];
        assert_eq!(summary.sessions, BTreeMap::from(expected));
    }

    #[test]
    fn without_reports_or_agents_nothing_is_said_to_be_idle() {
        let gone = ActivitySummary::of(&usage(vec![]), false, at(0));
        assert_eq!(gone.state, Some("unknown"));
        let silent = Usage {
            newest_report: Some(at(-86_401)),
            ..usage(vec![])
        };
        assert_eq!(ActivitySummary::of(&silent, true, at(0)).state, None);
        let [in_use, _, _] = usage_lines(&silent, true, at(0));
        assert_eq!(in_use.1, "unknown: Coder stores no session reports");
    }

    #[test]
    fn text_says_what_is_open_and_how_the_deadline_moved() {
        let open = usage(vec![report(2, &[("ssh", 1), ("vscode", 2)])]);
        let texts = |usage: &Usage| usage_lines(usage, true, at(0)).map(|it| it.1);
        let [in_use, last_used, autostop] = texts(&open);
        assert_eq!(in_use, "open sessions: 1 ssh, 2 vscode (reported 20s ago)");
        assert_eq!(last_used, "2024-12-31T23:59:00Z  1m 0s ago");
        assert_eq!(autostop, "2025-01-01T01:00:00Z  in 1h 0m");
        let compared = |deadline| {
            let compared = DeadlineReading {
                at: at(-90),
                deadline: at(deadline),
            };
            let [_, _, autostop] = texts(&Usage {
                compared: Some(compared),
                ..open.clone()
            });
            autostop.split_once(", ").unwrap().1.to_owned()
        };
        assert_eq!(compared(3600), "unmoved since 2024-12-31T23:58:30Z");
        assert_eq!(compared(3420), "3m 0s later than at 2024-12-31T23:58:30Z");
        assert_eq!(compared(3660), "1m 0s earlier than at 2024-12-31T23:58:30Z");
        let [_, never, none] = texts(&Usage {
            last_used_at: None,
            deadline: None,
            ..open
        });
        assert_eq!(never, "never, as far as is known");
        assert_eq!(none, "none: Coder does not stop it by itself");
    }
}
