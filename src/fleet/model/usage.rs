//! How one workspace is used, and until when Coder lets it run.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::fleet::model::time::Timestamp;

/// What the database says about the use of a workspace, at the moment of its details.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// The newest session report of any workspace, as in
    /// [`Activity::newest_report`](crate::fleet::model::activity::Activity::newest_report).
    pub newest_report: Option<Timestamp>,
    /// Of each agent of the latest build, its newest report of the last 3 minutes with connections.
    pub reports: Vec<UsageReport>,
    /// `workspaces.last_used_at`; `None` when it was never used or may not be read.
    pub last_used_at: Option<Timestamp>,
    /// `workspace_builds.build_number` of the latest build.
    pub build_number: Option<i32>,
    /// `workspace_builds.deadline` of the latest build: when Coder stops the workspace. `None` when
    /// it has none.
    pub deadline: Option<Timestamp>,
    /// An earlier reading of the deadline, where there was one.
    pub compared: Option<DeadlineReading>,
}

/// A session report with connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The agent that sent it.
    pub agent: Uuid,
    /// When coderd stored it.
    pub at: Timestamp,
    /// Number of connections.
    pub connections: u64,
    /// Open sessions by kind, such as `vscode` or `ssh`; those without any are not here.
    pub sessions: BTreeMap<String, u64>,
}

/// A deadline as it was read at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadlineReading {
    /// When it was read.
    pub at: Timestamp,
    /// What was read.
    pub deadline: Timestamp,
}
