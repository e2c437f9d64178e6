//! Is Coder itself alive (`docs/spec/signs-of-life.md`)?

use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::coder::Replica;
use crate::fleet::model::time::Timestamp;

/// A coderd updates its row every 5 s. One that has not for longer than this has crashed, is
/// frozen or cut off from the database. The same holds for the newest heartbeat of all agents.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// What a replica's row says of it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ReplicaState {
    /// It gives signs of life.
    Running,
    /// It has neither stopped nor updated its row for more than 30 s.
    Stale,
    /// It was stopped cleanly.
    Stopped,
}

/// What a replica is at this moment.
pub fn replica_state(replica: &Replica, now: Timestamp) -> ReplicaState {
    match (replica.stopped_at, replica.updated_at) {
        (Some(_), _) => ReplicaState::Stopped,
        (None, Some(updated_at)) if !now.is_past(updated_at, STALE_AFTER) => ReplicaState::Running,
        (None, _) => ReplicaState::Stale,
    }
}

/// Why Coder gives no sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Its newest replica has crashed, or does not reach the database.
    Crashed,
    /// Its newest replica was stopped cleanly.
    Stopped,
    /// By the exporter's clock its last sign is fresh: the database's clock has jumped ahead, or that
    /// of the exporter is behind.
    ClockJumped,
}

/// Whether Coder is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoderState {
    /// Something of it gives signs of life.
    Alive,
    /// Nothing does.
    Down {
        /// The last sign of life.
        since: Timestamp,
        /// How it came about.
        silence: Silence,
    },
}

impl CoderState {
    /// Whether it is down.
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Down { .. })
    }

    /// How it came about, for a person; nothing when it is alive.
    pub const fn cause(self) -> Option<&'static str> {
        let Self::Down { silence, .. } = self else {
            return None;
        };
        Some(match silence {
            Silence::Stopped => "it was stopped",
            Silence::Crashed => "it crashed, or cannot reach its database",
            Silence::ClockJumped => {
                "by the database's clock only; by this exporter's clock it was alive just now, so one of the two is wrong"
            }
        })
    }

    /// Whether it is down by the database's clock only.
    pub const fn is_clock(self) -> bool {
        matches!(
            self,
            Self::Down {
                silence: Silence::ClockJumped,
                ..
            }
        )
    }
}

/// Whether Coder is alive: it is down when there are primary replicas, none of them is running, and
/// no heartbeat of an agent is newer than 30 s. `None` where this Coder writes no replicas.
/// `clock_skew_seconds` is the exporter's clock minus that of `now`.
pub fn coder_state(
    replicas: &[Replica],
    newest_heartbeat: Option<Timestamp>,
    now: Timestamp,
    clock_skew_seconds: Option<f64>,
) -> Option<CoderState> {
    let coderds = || replicas.iter().filter(|it| it.is_coderd());
    let newest = coderds().max_by_key(|it| (it.started_at, it.updated_at))?;
    let is_running = |it: &Replica| replica_state(it, now) == ReplicaState::Running;
    let beats =
        newest_heartbeat.is_some_and(|it| now.seconds_since(it) < STALE_AFTER.as_secs_f64());
    if beats || coderds().any(is_running) {
        return Some(CoderState::Alive);
    }
    let signs = coderds().flat_map(|it| [it.updated_at, it.stopped_at]);
    let since = signs.flatten().chain(newest_heartbeat).max();
    let since = since.or(newest.started_at).unwrap_or(now);
    let age_here = now.seconds_since(since) + clock_skew_seconds.unwrap_or_default();
    let silence = if newest.stopped_at.is_some() {
        Silence::Stopped
    } else if age_here.abs() < STALE_AFTER.as_secs_f64() {
        Silence::ClockJumped
    } else {
        Silence::Crashed
    };
    Some(CoderState::Down { since, silence })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fleet::fixtures::at;

    fn replica(updated: f64) -> Replica {
        let micros = (updated * 1e6) as i64;
        let updated_at = at(0).as_unix_seconds() as i64 * 1_000_000 + micros;
        Replica {
            id: Uuid::from_u128(1),
            hostname: "coder-0".into(),
            version: "v2.35.1".into(),
            is_primary: true,
            started_at: Some(at(-3600)),
            updated_at: Some(Timestamp::from_unix_micros(updated_at)),
            stopped_at: None,
            database_latency: None,
        }
    }

    fn stopped(replica: Replica) -> Replica {
        // As coderd leaves its row.
        Replica {
            is_primary: false,
            stopped_at: replica.updated_at,
            ..replica
        }
    }

    #[test]
    fn replica_is_stale_after_more_than_thirty_seconds_unless_it_stopped() {
        let state = |it: &Replica| replica_state(it, at(0));
        assert_eq!(state(&replica(-30.0)), ReplicaState::Running);
        assert_eq!(state(&replica(-30.001)), ReplicaState::Stale);
        // A clock that is ahead is no reason to worry.
        assert_eq!(state(&replica(5.0)), ReplicaState::Running);
        assert_eq!(state(&stopped(replica(-1.0))), ReplicaState::Stopped);
        let never = Replica {
            updated_at: None,
            ..replica(0.0)
        };
        assert_eq!(state(&never), ReplicaState::Stale);
    }

    #[test]
    fn coder_is_down_only_when_nothing_of_it_gives_a_sign() {
        let state = |replicas: &[Replica], beat: Option<i64>| {
            coder_state(replicas, beat.map(at), at(0), None).map(CoderState::is_down)
        };
        assert_eq!(state(&[], None), None);
        assert_eq!(state(&[replica(-31.0)], None), Some(true));
        assert_eq!(state(&[replica(-31.0), replica(-30.0)], None), Some(false));
        assert_eq!(state(&[replica(-31.0)], Some(-29)), Some(false));
        assert_eq!(state(&[replica(-31.0)], Some(-30)), Some(true));
        assert_eq!(state(&[stopped(replica(-1.0))], None), Some(true));
        // Workspace proxies are not Coder: alone they say nothing, and they keep nothing alive.
        let proxy = Replica {
            is_primary: false,
            ..replica(0.0)
        };
        assert_eq!(state(std::slice::from_ref(&proxy), None), None);
        assert_eq!(state(&[replica(-31.0), proxy], None), Some(true));
    }

    #[test]
    fn down_is_since_the_last_sign_and_by_the_newest_replica() {
        let down = |replicas: &[Replica], beat: Option<i64>| {
            let state = coder_state(replicas, beat.map(at), at(0), Some(0.2));
            let Some(CoderState::Down { since, silence }) = state else {
                panic!("{state:?}");
            };
            (since, silence)
        };
        let crashed = replica(-60.0);
        assert_eq!(
            down(std::slice::from_ref(&crashed), None),
            (at(-60), Silence::Crashed)
        );
        assert_eq!(
            down(std::slice::from_ref(&crashed), Some(-45)),
            (at(-45), Silence::Crashed)
        );
        let newer = stopped(Replica {
            started_at: Some(at(-100)),
            ..replica(-70.0)
        });
        assert_eq!(down(&[crashed, newer], None), (at(-60), Silence::Stopped));
    }
    #[test]
    fn clock_of_the_database_that_jumped_is_told_from_a_crash() {
        let silence = |replica: Replica, skew| {
            let state = coder_state(&[replica], None, at(0), skew);
            match state {
                Some(CoderState::Down { silence, .. }) => silence,
                other => panic!("{other:?}"),
            }
        };
        // The database is ten minutes ahead of coderd and of the exporter.
        assert_eq!(silence(replica(-604.0), Some(-600.0)), Silence::ClockJumped);
        assert_eq!(silence(replica(-629.9), Some(-600.0)), Silence::ClockJumped);
        // By both clocks it has been silent for too long.
        assert_eq!(silence(replica(-630.0), Some(-600.0)), Silence::Crashed);
        assert_eq!(silence(replica(-604.0), Some(0.0)), Silence::Crashed);
        assert_eq!(silence(replica(-604.0), None), Silence::Crashed);
        // One that was stopped does not run, by any clock.
        assert_eq!(
            silence(stopped(replica(-604.0)), Some(-600.0)),
            Silence::Stopped
        );
    }
}
