//! Whether the agents of the fleet are known.

use crate::error::{ErrorKind, Failure};
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in, total};

/// Whether the agents of the fleet are known.
#[derive(Debug)]
pub(super) enum FleetState<'a> {
    /// The agents collector succeeded.
    Known {
        /// The judged snapshot of the collection.
        fleet: &'a FleetStats,
        /// Number of agents by health, with every class.
        total: ByHealth,
    },
    /// Agents are unknown, which must not look like a healthy fleet.
    Unknown {
        /// Why they are unknown, in a few words.
        reason: &'static str,
        /// The failure with its advice, if there was one.
        failure: Option<&'a Failure>,
    },
}

impl<'a> FleetState<'a> {
    /// The state after this collection.
    pub(super) fn of(collection: &'a CollectionResult) -> Self {
        let fleet = match &collection.fleet {
            Err(failure) => {
                return Self::Unknown {
                    reason: reason(failure.kind),
                    failure: Some(failure),
                };
            }
            Ok(fleet) => fleet,
        };
        if fleet.agents.is_some() {
            let total = total(&by_template(fleet));
            return Self::Known { fleet, total };
        }
        let agents = collection
            .reports
            .iter()
            .find(|it| it.collector == Collector::Agents);
        match agents.map(|it| &it.outcome) {
            None => Self::Unknown {
                reason: "the agents collector is off",
                failure: None,
            },
            Some(Outcome::Failed(failure)) => Self::Unknown {
                reason: "the agents could not be read",
                failure: Some(failure),
            },
            Some(_) => Self::Unknown {
                reason: "the agents were not read",
                failure: None,
            },
        }
    }

    /// The fleet; `None` if its agents are unknown.
    pub(super) fn fleet(&self) -> Option<&'a FleetStats> {
        match self {
            Self::Known { fleet, .. } => Some(fleet),
            Self::Unknown { .. } => None,
        }
    }

    /// Number of agents by health; `None` if unknown.
    pub(super) fn total(&self) -> Option<&ByHealth> {
        match self {
            Self::Known { total, .. } => Some(total),
            Self::Unknown { .. } => None,
        }
    }

    /// The number of agents with a problem; `None` if unknown.
    pub(super) fn problems(&self) -> Option<u64> {
        match self {
            Self::Unknown { .. } => None,
            Self::Known { total, .. } => Some(problems_in(total)),
        }
    }
}

fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect | ErrorKind::Timeout => "the database does not answer",
        ErrorKind::Lock => "another session holds a lock on Coder's tables",
        ErrorKind::Authentication => "the database refuses this exporter",
        ErrorKind::Tls => "the TLS connection to the database failed",
        ErrorKind::Schema => "the database schema is not supported",
        ErrorKind::Permission => "this exporter has no permission to read the database",
        ErrorKind::Decode | ErrorKind::Query | ErrorKind::DuplicateSeries => {
            "the database could not be read"
        }
    }
}

/// What to do first where the database cannot be read. `docs/troubleshooting.md` has more of each.
pub(super) const fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect => {
            "Check that the database runs, and that its address, port and firewall are right."
        }
        ErrorKind::Timeout => "Check that the database runs and is not overloaded.",
        ErrorKind::Lock => {
            "Wait: it may be a migration of Coder. If it lasts, look for the session."
        }
        ErrorKind::Authentication => "Check user and password of the URL, and pg_hba.conf.",
        ErrorKind::Tls => "Check sslmode, the certificates and their dates.",
        ErrorKind::Schema => {
            "Check that it is Coder's database, and whether Coder is newer than this exporter."
        }
        ErrorKind::Permission => "Run the GRANT in the message as the database's owner.",
        ErrorKind::Decode | ErrorKind::Query | ErrorKind::DuplicateSeries => {
            "Read the server's error in the message."
        }
    }
}
