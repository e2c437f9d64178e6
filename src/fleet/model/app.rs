//! Workspace apps, counted by the database.

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::{Label, ScopeId};
use crate::fleet::model::label_value::DbEnum;

/// The number of apps of one scope with one health (`docs/spec/population-and-kind.md`: an app
/// counts with its agent).
///
/// The database counts them, because there are several times more apps than agents, and no other
/// data of an app is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCount {
    /// Organization and template of the apps' agents.
    pub scope: ScopeId,
    /// `workspace_apps.health`; [`AppHealth::Unknown`] where the agent no longer says it.
    pub health: DbEnum<AppHealth>,
    /// Number of such apps.
    pub count: u64,
}

/// The number of apps of one agent with one display name and health, for Coder's own metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedApp {
    /// Index of the agent in [`Snapshot::agents`](super::snapshot::Snapshot::agents).
    pub agent: usize,
    /// `workspace_apps.display_name`.
    pub name: Label,
    /// `workspace_apps.health`.
    pub health: DbEnum<AppHealth>,
    /// Number of such apps.
    pub count: u64,
}

/// `workspace_app_health`, and what is not known.
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
pub enum AppHealth {
    /// The app has no health check.
    Disabled,
    /// No check has completed yet.
    Initializing,
    /// The last check succeeded.
    Healthy,
    /// The last checks failed.
    Unhealthy,
    /// It is no longer known: the agent is not connected, or not expected.
    Unknown,
}
