//! The start-up of an agent: what its build's job says, and the phases that are measured.

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::time::Timestamp;

/// When the job that built an agent was created, taken up and done: columns of `provisioner_jobs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobTimes {
    /// `provisioner_jobs.created_at`.
    pub created_at: Option<Timestamp>,
    /// `provisioner_jobs.started_at`.
    pub started_at: Option<Timestamp>,
    /// `provisioner_jobs.completed_at`.
    pub completed_at: Option<Timestamp>,
}

/// A part of a start-up (`docs/spec/service-level.md`).
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
pub enum StartupPhase {
    /// The job waits for a provisioner.
    Queue,
    /// The provisioner builds.
    Provision,
    /// The agent's row waits for its agent.
    Connect,
    /// Start-up scripts run.
    Scripts,
    /// From the job's creation to the end of the scripts.
    Total,
}

/// How the start-up scripts ended.
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
pub enum StartupResult {
    /// All succeeded.
    Ready,
    /// One failed.
    StartError,
    /// They took longer than the template allows.
    StartTimeout,
}
