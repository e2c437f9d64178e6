//! Provisioner daemons, which build workspaces, and the jobs that wait for them.

use std::collections::BTreeMap;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::Label;
use crate::fleet::model::time::Timestamp;

/// Tags of a daemon or a job: what decides which daemon may take which job.
pub type Tags = BTreeMap<String, String>;

/// What there is of both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provisioners {
    /// Every daemon that Coder knows.
    pub daemons: Vec<Daemon>,
    /// Jobs that are pending or running, those that are alike together.
    pub jobs: Vec<JobGroup>,
}

/// A provisioner daemon: a row of `provisioner_daemons`.
#[derive(Debug, Clone, PartialEq)]
pub struct Daemon {
    /// `provisioner_daemons.id`.
    pub id: Uuid,
    /// `provisioner_daemons.name`.
    pub name: Label,
    /// `organizations.name` of its organization.
    pub organization: Label,
    /// `provisioner_daemons.tags`.
    pub tags: Tags,
    /// `provisioner_daemons.last_seen_at`: its last sign of life, every minute or so.
    pub last_seen_at: Option<Timestamp>,
    /// Whether a running job is its own.
    pub is_busy: bool,
}

/// Jobs of one organization, status and set of tags.
#[derive(Debug, Clone, PartialEq)]
pub struct JobGroup {
    /// `organizations.name` of their organization.
    pub organization: Label,
    /// `provisioner_jobs.tags`.
    pub tags: Tags,
    /// How far they are.
    pub status: OpenJobStatus,
    /// How many there are.
    pub count: u64,
    /// When the oldest was created.
    pub oldest: Option<Timestamp>,
}

/// How far a job is that has not ended.
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
pub enum OpenJobStatus {
    /// It waits for a daemon.
    Pending,
    /// A daemon works on it.
    Running,
}
