//! Simulated database rows for tests.

use uuid::Uuid;

use crate::fleet::fixtures::{agent, never_connected};
use crate::fleet::model::agent::{Agent, Lifecycle, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::latest::{AgentAt, Build, Candidate, WorkspaceAt};
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;

use super::Target;

/// Start time of every test.
pub(super) const BEGAN: Timestamp = Timestamp::from_unix_micros(1_735_689_600_000_000);

/// The state of an agent's row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Row {
    /// The last heartbeat is now.
    Beating,
    /// The last heartbeat is this many seconds ago.
    SilentFor(f64),
    /// The row was created this many seconds ago and never connected. Its timeout is two minutes.
    NeverConnectedFor(f64),
    /// The row does not exist.
    Gone,
}

/// An id made of the letters of the name, so that messages are readable.
pub(super) fn id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Uuid::from_bytes(bytes)
}

/// The name in the id.
pub(super) fn name(id: Uuid) -> String {
    let name = String::from_utf8_lossy(id.as_bytes());
    name.trim_end_matches('\0').to_owned()
}

/// The target of a dial to this agent.
pub(super) fn target(name: &str) -> Target {
    Target::of(&row_of(name, Row::Beating, BEGAN))
}

/// The agent of this name, as its row describes it at `now`.
pub(super) fn agent_at(name: &str, row: Row, now: Timestamp) -> Option<AgentAt> {
    (row != Row::Gone).then(|| AgentAt {
        now,
        agent: row_of(name, row, now),
    })
}

/// A workspace that was started with these agents.
pub(super) fn latest<'a>(
    workspace: Uuid,
    agents: impl Iterator<Item = (&'a str, Row)>,
    now: Timestamp,
) -> WorkspaceAt {
    let candidate = |(name, row)| Candidate {
        agent: row_of(name, row, now),
        display_order: 0,
        parent_id: None,
    };
    WorkspaceAt {
        now,
        workspace_id: workspace,
        workspace: "build-box".into(),
        owner: "ada".into(),
        scope: Scope {
            organization: "acme".into(),
            template: "docker".into(),
        },
        deleted: false,
        build: Some(Build {
            number: 1,
            transition: DbEnum::Known(Transition::Start),
            job: DbEnum::Known(JobStatus::Succeeded),
            error: None,
        }),
        agents: agents
            .filter(|(_, row)| *row != Row::Gone)
            .map(candidate)
            .collect(),
    }
}

/// Sets transition and job status of the workspace's latest build.
pub(super) fn build(latest: &mut WorkspaceAt, transition: Transition, job: JobStatus) {
    latest.build = Some(Build {
        number: 3,
        transition: DbEnum::Known(transition),
        job: DbEnum::Known(job),
        error: None,
    });
}

/// Sets the lifecycle state of all agents.
pub(super) fn lifecycle(latest: &mut WorkspaceAt, lifecycle: Lifecycle) {
    for candidate in &mut latest.agents {
        candidate.agent.lifecycle = DbEnum::Known(lifecycle);
    }
}

fn row_of(name: &str, row: Row, now: Timestamp) -> Agent {
    let named = |agent| Agent {
        id: id(name),
        name: name.into(),
        ..agent
    };
    match row {
        Row::Beating | Row::Gone => Agent {
            last_connected_at: Some(now),
            ..named(agent())
        },
        Row::SilentFor(seconds) => Agent {
            last_connected_at: Some(before(now, seconds)),
            ..named(agent())
        },
        Row::NeverConnectedFor(seconds) => Agent {
            created_at: Some(before(now, seconds)),
            connection_timeout_seconds: 120,
            ..named(never_connected())
        },
    }
}

fn before(now: Timestamp, seconds: f64) -> Timestamp {
    let micros = now.as_unix_seconds() * 1e6 - seconds * 1e6;
    Timestamp::from_unix_micros(micros.round() as i64)
}
