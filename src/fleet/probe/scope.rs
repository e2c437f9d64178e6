//! Which agents the probe may dial without keeping a workspace alive (`docs/spec/probe.md`).
//!
//! Coder counts a connection through coderd as use of the workspace. With [`ProbeScope::InUse`] a
//! connected agent is dialed only while Coder counts its workspace as used for another reason. A
//! connection of our own must never count as that reason.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::fleet::model::activity::IN_USE_FOR;

/// A report that came this soon after a dial of ours may show our own connection: agents report
/// every 30 seconds, and a connection may stay open for a while.
const OWN_DIAL_SHOWS_FOR: Duration = Duration::from_secs(60);

/// After a start the dials of the previous process are unknown. After this time the reports that
/// may show them are too old to count.
pub const WARM_UP: Duration = Duration::from_secs(4 * 60);

/// If coderd's clock is ahead of the database's by more than this, the age of a report is unknown.
/// Clocks that NTP synchronizes differ by milliseconds.
const CLOCK_TOLERANCE_SECONDS: f64 = 5.0;

/// Notice for a person who requested a dial through Coder.
pub const COUNTED_AS_USE: &str = "Coder counts this as use of the workspace: its autostop deadline \
                                  may have moved on.";

/// Which workspaces are probed: `--probe.scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeScope {
    /// Workspaces in use, and workspaces whose agent is not connected, which are judged by their
    /// row.
    InUse,
    /// Every running workspace.
    All,
}

impl ProbeScope {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in-use",
            Self::All => "all",
        }
    }
}

/// Why a connected agent is not dialed: the label `reason` of skipped probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SkipReason {
    /// No report of the last minute shows an open session with traffic.
    NotInUse,
    /// The newest report came so soon after a dial of ours that it may show our own connection.
    OwnDial,
    /// The exporter has just started, and the dials of the previous process are unknown.
    Starting,
    /// Session reports cannot be read, or this Coder stores none.
    NoReports,
    /// coderd's clock is ahead of the database's, so the age of a report is unknown.
    ClockAhead,
}

impl SkipReason {
    /// The reason as a sentence for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotInUse => {
                "the workspace is not in use now, and a dial through Coder would count as use"
            }
            Self::OwnDial => {
                "the newest session report may show this exporter's own connection, so it does \
                 not count"
            }
            Self::Starting => {
                "the exporter started less than 4 minutes ago and waits until its earlier dials \
                 are out of the session reports"
            }
            Self::NoReports => {
                "Coder's session reports cannot be read or are not stored, so use is unknown"
            }
            Self::ClockAhead => {
                "coderd's clock is more than 5 seconds ahead of the database's, so the time of \
                 use is unknown"
            }
        }
    }
}

/// What is known about the use of a connected agent at the time of a dial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Use {
    /// Time since the exporter started.
    pub uptime: Duration,
    /// Whether session reports are available.
    pub has_reports: bool,
    /// Seconds by which coderd's clock is ahead of the database's, as far as rows show it.
    pub clock_lead_seconds: f64,
    /// Age of the newest report with a session and traffic, in seconds; `None` without one.
    pub session_age_seconds: Option<f64>,
    /// Seconds since our last dial of this agent ended; `None` without one.
    pub since_own_dial_seconds: Option<f64>,
}

impl Use {
    /// Whether the agent may be dialed without keeping its workspace alive.
    ///
    /// A report that is exactly [`IN_USE_FOR`] old still counts. A report exactly one minute after
    /// our own dial does not count. A report from before our own dial does not count either,
    /// because it already justified that dial.
    ///
    /// # Errors
    ///
    /// The reason why the agent may not be dialed.
    pub fn allows_dial(&self) -> Result<(), SkipReason> {
        if !self.has_reports {
            return Err(SkipReason::NoReports);
        }
        if self.uptime < WARM_UP {
            return Err(SkipReason::Starting);
        }
        if self.clock_lead_seconds > CLOCK_TOLERANCE_SECONDS {
            return Err(SkipReason::ClockAhead);
        }
        let age = self.session_age_seconds.ok_or(SkipReason::NotInUse)?;
        if age > IN_USE_FOR.as_secs_f64() {
            return Err(SkipReason::NotInUse);
        }
        let shows_for = OWN_DIAL_SHOWS_FOR.as_secs_f64();
        match self.since_own_dial_seconds {
            Some(since_dial) if age >= since_dial - shows_for => Err(SkipReason::OwnDial),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IN_USE: Use = Use {
        uptime: WARM_UP,
        has_reports: true,
        clock_lead_seconds: 0.0,
        session_age_seconds: Some(20.0),
        since_own_dial_seconds: None,
    };

    #[test]
    fn agent_with_a_session_and_traffic_in_the_last_minute_may_be_dialed() {
        let aged = |age| {
            let session_age_seconds = age;
            let it = Use {
                session_age_seconds,
                ..IN_USE
            };
            it.allows_dial()
        };
        assert_eq!(aged(Some(20.0)), Ok(()));
        assert_eq!(aged(Some(60.0)), Ok(()));
        assert_eq!(aged(Some(60.001)), Err(SkipReason::NotInUse));
        assert_eq!(aged(None), Err(SkipReason::NotInUse));
    }

    #[test]
    fn report_within_a_minute_after_our_own_dial_is_not_use() {
        let after = |since_dial, age| {
            let it = Use {
                session_age_seconds: Some(age),
                since_own_dial_seconds: Some(since_dial),
                ..IN_USE
            };
            it.allows_dial()
        };
        // Dialed 80 s ago: the report came 20 s before now, 60 s after the dial.
        assert_eq!(after(80.0, 20.0), Err(SkipReason::OwnDial));
        assert_eq!(after(80.0, 19.999), Ok(()));
        assert_eq!(after(20.0, 10.0), Err(SkipReason::OwnDial));
        // The report that the last dial relied on does not serve for another.
        assert_eq!(after(10.0, 40.0), Err(SkipReason::OwnDial));
    }

    #[test]
    fn no_connected_agent_is_dialed_in_the_first_four_minutes() {
        let early = WARM_UP - Duration::from_nanos(1);
        let starting = Use {
            uptime: early,
            ..IN_USE
        };
        assert_eq!(starting.allows_dial(), Err(SkipReason::Starting));
        assert_eq!(IN_USE.allows_dial(), Ok(()));
    }

    #[test]
    fn clock_of_coderd_that_is_ahead_dates_no_report() {
        let ahead = |clock_lead_seconds| {
            let it = Use {
                clock_lead_seconds,
                ..IN_USE
            };
            it.allows_dial()
        };
        assert_eq!(ahead(5.0), Ok(()));
        assert_eq!(ahead(5.001), Err(SkipReason::ClockAhead));
        assert_eq!(ahead(-3600.0), Ok(()));
    }

    #[test]
    fn without_reports_nothing_connected_may_be_dialed() {
        let blind = Use {
            has_reports: false,
            ..IN_USE
        };
        assert_eq!(blind.allows_dial(), Err(SkipReason::NoReports));
    }

    proptest! {
        /// An agent whose only connection is ours is not dialed again because of it. This holds
        /// even if coderd's clock is far behind the database's, or ahead by less than the
        /// tolerance.
        #[test]
        fn our_own_connection_never_keeps_itself_alive(
            reported_after in 0.0..35.0_f64, read_after in 0.0..300.0_f64, behind in -20.0..3600.0_f64,
        ) {
            prop_assume!(read_after >= reported_after);
            let it = Use {
                session_age_seconds: Some(read_after - reported_after + behind),
                since_own_dial_seconds: Some(read_after),
                ..IN_USE
            };
            prop_assert!(it.allows_dial().is_err());
        }
    }
}
