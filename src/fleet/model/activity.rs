//! Session reports, from which the exporter knows which agents are in use.
//!
//! An agent reports its connections to coderd every 30 seconds, and coderd stores each report
//! in `workspace_agent_stats`. A report with connections counts as use of the workspace: Coder
//! updates `last_used_at` and extends the autostop deadline.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::time::Timestamp;

/// A report with a session and traffic shows that its agent is in use for this long. Agents report
/// every 30 seconds, and Coder counts at least this minute as use.
pub const IN_USE_FOR: Duration = Duration::from_secs(60);

/// If the newest report is older than this, Coder does not store reports: their collection is
/// disabled.
const STORES_NONE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The session reports, read by one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The database's clock at the time of the query. On a read replica this is the replica's
    /// clock, not the time of its data: reports look older by the replication lag.
    pub now: Timestamp,
    /// The newest report of any agent, with or without connections; `None` if there is no report.
    pub newest_report: Option<Timestamp>,
    /// By agent id: the newest report with an open session and traffic. Only reports of the last
    /// [`IN_USE_FOR`] before `now` are included.
    pub sessions: HashMap<Uuid, Timestamp>,
    /// By agent, what its reports of the last 3 minutes show; agents without connections in them
    /// are not here.
    pub recent: HashMap<Uuid, RecentUse>,
}

/// What the reports of an agent with connections show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecentUse {
    /// Connections without a session: a web app, a forwarded port, an open dashboard, a monitor.
    Traffic,
    /// A person has a session open, and there is traffic.
    Session,
}

/// An agent that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The agent's id.
    pub agent: Uuid,
    /// The id of its workspace.
    pub workspace: Uuid,
    /// When it was lost.
    pub at: Timestamp,
}

/// Which losses cut a person off, read by one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct CutOff {
    /// The database's clock at the time of the query.
    pub now: Timestamp,
    /// The newest report of any agent, as in [`Activity::newest_report`].
    pub newest_report: Option<Timestamp>,
    /// Agent and moment of the losses before which a report of the last three minutes shows an open
    /// session.
    pub in_session: HashSet<(Uuid, Timestamp)>,
}

impl CutOff {
    /// Whether this Coder stores session reports.
    pub fn is_stored(&self) -> bool {
        are_stored(self.now, self.newest_report)
    }
}

/// Whether Coder stores session reports, by the newest one at `now`.
pub(crate) fn are_stored(now: Timestamp, newest_report: Option<Timestamp>) -> bool {
    newest_report.is_some_and(|newest| !now.is_past(newest, STORES_NONE_AFTER))
}

impl Activity {
    /// Whether this Coder stores session reports.
    pub fn is_stored(&self) -> bool {
        are_stored(self.now, self.newest_report)
    }

    /// Seconds from the database's clock to the newest report. Positive if the report is in the
    /// future, which means that coderd's clock is ahead.
    pub fn lead_seconds(&self) -> f64 {
        let lead = self
            .newest_report
            .map(|newest| newest.seconds_since(self.now));
        lead.unwrap_or_default()
    }

    /// Age in seconds of the agent's newest report with a session and traffic, at `now`; `None`
    /// without such a report.
    pub fn session_age_seconds(&self, agent: Uuid) -> Option<f64> {
        let reported = self.sessions.get(&agent)?;
        Some(self.now.seconds_since(*reported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;

    fn activity(newest_report: Option<i64>) -> Activity {
        Activity {
            now: at(0),
            newest_report: newest_report.map(at),
            sessions: HashMap::from([(Uuid::from_u128(1), at(-20))]),
            recent: HashMap::from([(Uuid::from_u128(1), RecentUse::Session)]),
        }
    }

    #[test]
    fn coder_without_a_report_for_more_than_a_day_stores_none() {
        assert!(!activity(None).is_stored());
        assert!(activity(Some(-20)).is_stored());
        assert!(activity(Some(-86_400)).is_stored());
        assert!(!activity(Some(-86_401)).is_stored());
    }

    #[test]
    fn report_in_the_future_is_a_clock_that_is_ahead() {
        assert_eq!(activity(Some(7)).lead_seconds(), 7.0);
        assert!(activity(Some(-7)).lead_seconds() < 0.0);
        assert_eq!(activity(None).lead_seconds(), 0.0);
    }

    #[test]
    fn age_of_a_session_counts_to_the_moment_of_the_reading() {
        let activity = activity(Some(-20));
        assert_eq!(activity.session_age_seconds(Uuid::from_u128(1)), Some(20.0));
        assert_eq!(activity.session_age_seconds(Uuid::from_u128(2)), None);
    }
}
