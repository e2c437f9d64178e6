//! Coder itself: its replicas as the database has them, and what it says of itself over HTTP.

use std::time::Duration;

use enum_map::{Enum, EnumMap};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::Label;
use crate::fleet::model::time::Timestamp;

/// One coderd, or one workspace proxy: a row of `replicas`. Each start has a row of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// `replicas.id`.
    pub id: Uuid,
    /// `replicas.hostname`.
    pub hostname: Label,
    /// `replicas.version`.
    pub version: Label,
    /// `replicas.primary`: a coderd that was not stopped, and no workspace proxy.
    pub is_primary: bool,
    /// `replicas.started_at`.
    pub started_at: Option<Timestamp>,
    /// `replicas.updated_at`: its last sign of life, every 5 s.
    pub updated_at: Option<Timestamp>,
    /// `replicas.stopped_at`: when it was stopped cleanly.
    pub stopped_at: Option<Timestamp>,
    /// `replicas.database_latency`.
    pub database_latency: Option<Duration>,
}

impl Replica {
    /// Whether it is, or was, a coderd. A clean stop clears `primary`, so that a stopped row may also
    /// be that of a workspace proxy.
    pub const fn is_coderd(&self) -> bool {
        self.is_primary || self.stopped_at.is_some()
    }
}

/// What Coder said of itself when it was last asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoderAnswers {
    /// How long `/healthz` took, or why there was no good answer; `None` before the first.
    pub healthz: Option<Result<Duration, String>>,
    /// Its version; `None` until it has said it.
    pub version: Option<String>,
    /// Its own health report; `None` where it may not be read.
    pub severities: Option<EnumMap<HealthSection, Option<Severity>>>,
}

impl CoderAnswers {
    /// Whether it answers; `None` before it was asked.
    pub fn is_up(&self) -> Option<bool> {
        self.healthz.as_ref().map(Result::is_ok)
    }
}

/// A section of Coder's health report.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum HealthSection {
    /// Whether Coder reaches itself at its access URL.
    AccessUrl,
    /// Its database.
    Database,
    /// The relays between agents and clients.
    Derp,
    /// Those that build workspaces.
    ProvisionerDaemons,
    /// Whether web sockets work at the access URL.
    Websocket,
    /// Workspace proxies.
    WorkspaceProxy,
}

/// How bad Coder finds a section of its health report.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong.
    Ok,
    /// Something is odd.
    Warning,
    /// Something does not work.
    Error,
}
