//! Session reports: which agents a person uses at this moment, as Coder stores it.
//!
//! An agent reports its connections to coderd every 30 seconds, and coderd stores each report
//! in `workspace_agent_stats`. A report with connections counts as use of the workspace: Coder
//! moves `last_used_at` and pushes the autostop deadline on.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::time::Timestamp;

/// A report with a session and traffic says for this long that its agent is in use. Agents
/// report every 30 seconds; Coder counts the minute as used anyway.
pub const IN_USE_FOR: Duration = Duration::from_secs(60);

/// A Coder whose newest report is older than this stores none: collecting them is switched off.
const STORES_NONE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The session reports, read in one statement at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The moment of the reading, by the database's clock. On a read replica this is its clock
    /// and not the time of its data: data that lags makes every report older, as it is.
    pub now: Timestamp,
    /// The newest report of any agent, with connections or without; `None` when there is none.
    pub newest_report: Option<Timestamp>,
    /// By agent, the newest report that shows an open session of a person and traffic. Only
    /// reports of the last [`IN_USE_FOR`] before `now` are here.
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

impl Activity {
    /// Whether this Coder stores reports at all.
    pub fn is_stored(&self) -> bool {
        self.newest_report
            .is_some_and(|newest| !self.now.is_past(newest, STORES_NONE_AFTER))
    }

    /// Seconds by which the newest report is later than the database's clock; zero or less when
    /// it is not. A report in the future means that coderd's clock is ahead.
    pub fn lead_seconds(&self) -> f64 {
        let lead = self
            .newest_report
            .map(|newest| newest.seconds_since(self.now));
        lead.unwrap_or_default()
    }

    /// How old the newest report with a session and traffic of this agent is, in seconds, at the
    /// moment of the reading; `None` when there is no such report.
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
