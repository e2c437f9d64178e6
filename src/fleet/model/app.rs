//! Workspace apps, counted where they are.

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::{Label, ScopeId};
use crate::fleet::model::label_value::DbEnum;

/// How many apps of one scope have one health (`docs/spec/population-and-kind.md`: apps count
/// through their agent).
///
/// The database sums them: there are several times more apps than agents, and nothing else
/// about an app is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCount {
    /// Organization and template of the apps' agents.
    pub scope: ScopeId,
    /// `workspace_apps.health`.
    pub health: DbEnum<AppHealth>,
    /// Number of such apps.
    pub count: u64,
}

/// How many apps of one agent have one display name and health: what Coder's own metrics count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedApp {
    /// Position of the agent in its snapshot.
    pub agent: usize,
    /// `workspace_apps.display_name`.
    pub name: Label,
    /// `workspace_apps.health`.
    pub health: DbEnum<AppHealth>,
    /// Number of such apps.
    pub count: u64,
}

/// `workspace_app_health`.
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
    /// No check has come to a verdict yet.
    Initializing,
    /// The last check succeeded.
    Healthy,
    /// The checks fail.
    Unhealthy,
}
