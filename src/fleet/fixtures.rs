//! Agents for tests, with ordinary values that a test overrides.

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Lifecycle, Scope, ScopeId, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::OriginId;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::fleet_stats::FleetStats;

/// `seconds` after a fixed time (2025-01-01 00:00:00 UTC).
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros((1_735_689_600 + seconds) * 1_000_000)
}

/// A root agent that started long ago and whose last heartbeat is `at(0)`.
pub(crate) fn agent() -> Agent {
    Agent {
        id: Uuid::from_u128(1),
        name: "main".into(),
        version: "v2.30.0".into(),
        workspace_id: Uuid::from_u128(2),
        workspace: "build-box".into(),
        owner: "ada".into(),
        template_version: "v1".into(),
        scope: ScopeId(0),
        origin: OriginId::UNKNOWN,
        kind: Kind::Root,
        transition: DbEnum::Known(Transition::Start),
        lifecycle: DbEnum::Known(Lifecycle::Ready),
        created_at: Some(at(-7200)),
        first_connected_at: Some(at(-7190)),
        last_connected_at: Some(at(0)),
        disconnected_at: None,
        started_at: Some(at(-7189)),
        ready_at: Some(at(-7100)),
        connection_timeout_seconds: 120,
    }
}

/// An agent whose row was created at `at(0)` and that never connected.
pub(crate) fn never_connected() -> Agent {
    Agent {
        lifecycle: DbEnum::Known(Lifecycle::Created),
        created_at: Some(at(0)),
        first_connected_at: None,
        last_connected_at: None,
        started_at: None,
        ready_at: None,
        ..agent()
    }
}

/// A fleet of these agents at `at(0)`, all in one scope.
pub(crate) fn fleet_of(agents: Vec<Agent>) -> FleetStats {
    let mut snapshot = Snapshot::at(at(0));
    snapshot.scopes.intern(Scope {
        organization: "acme".into(),
        template: "docker".into(),
    });
    snapshot.agents = Some(agents);
    FleetStats::of(snapshot, &Limits::default())
}
