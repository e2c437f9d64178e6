//! A workspace agent as the database describes it, without any assessment.

use std::time::Duration;

use arcstr::ArcStr;
use enum_map::Enum;
use smol_str::SmolStr;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::OriginId;
use crate::fleet::model::time::Timestamp;

/// A name that many rows share, stored once. It is a single pointer wide, half the size of
/// `Arc<str>`.
pub type Label = ArcStr;

/// A name that no other row has. Up to 23 bytes lie in the value itself: 100,000 names that were
/// allocated one by one would leave gaps in memory when they go.
pub type Name = SmolStr;

/// An agent of the population (`docs/spec/population-and-kind.md`), with fields of its workspace.
/// It holds facts only; [`status`](crate::fleet::rules::status::status) and
/// [`assess`](crate::fleet::rules::health::assess) assess them.
///
/// Every column except the id may be NULL, even if Coder's current schema forbids it. A missing
/// name is an empty string.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// `workspace_agents.version`, empty before the first connection.
    pub version: Label,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `workspaces.name`, unique only within its owner.
    pub workspace: Name,
    /// `users.username` of the workspace's owner.
    pub owner: Label,
    /// `template_versions.name` of the workspace's latest build.
    pub template_version: Label,
    /// Organization and template, as an index into
    /// [`Snapshot::scopes`](super::snapshot::Snapshot::scopes).
    pub scope: ScopeId,
    /// Where it runs: an index into the snapshot's origins.
    pub origin: OriginId,
    /// What sort of agent it is.
    pub kind: Kind,
    /// `workspace_builds.transition` of the workspace's latest build.
    pub transition: DbEnum<Transition>,
    /// `workspace_agents.lifecycle_state`.
    pub lifecycle: DbEnum<Lifecycle>,
    /// `workspace_agents.created_at`: when the build created the row.
    pub created_at: Option<Timestamp>,
    /// `workspace_agents.first_connected_at`: the first connection to coderd.
    pub first_connected_at: Option<Timestamp>,
    /// `workspace_agents.last_connected_at`: the last heartbeat, by coderd's clock.
    pub last_connected_at: Option<Timestamp>,
    /// `workspace_agents.disconnected_at`: when coderd saw the connection close.
    pub disconnected_at: Option<Timestamp>,
    /// `workspace_agents.started_at`: when the startup script started.
    pub started_at: Option<Timestamp>,
    /// `workspace_agents.ready_at`: when the startup script ended, with or without an error.
    pub ready_at: Option<Timestamp>,
    /// `workspace_agents.connection_timeout_seconds`: the template's limit for the first
    /// connection; zero means no limit.
    pub connection_timeout_seconds: u32,
}

impl Agent {
    /// The template's limit for the first connection; zero means no limit.
    pub const fn connection_timeout(&self) -> Duration {
        Duration::from_secs(self.connection_timeout_seconds as u64)
    }
}

/// Position of a [`Scope`] in its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u32);

impl ScopeId {
    /// The position as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The common labels of all fleet metrics (`docs/spec/metrics.md`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// `organizations.name`.
    pub organization: Label,
    /// `templates.name`.
    pub template: Label,
}

/// What sort of agent it is, and so whom its loss hurts and who can act
/// (`docs/spec/population-and-kind.md`).
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
pub enum Kind {
    /// Defined by the template, in a workspace that a person owns.
    Root,
    /// Has a parent agent (a dev container, since Coder v2.22).
    Sub,
    /// Runs on a machine outside Coder, where the workspace's owner starts it.
    External,
    /// In a workspace that Coder built ahead and that no person has claimed yet.
    Prebuild,
}

/// The type of the resource of an agent that runs outside Coder.
const EXTERNAL: &str = "coder_external_agent";

/// The user who owns the workspaces that Coder builds ahead.
const PREBUILDS_USER: Uuid = Uuid::from_u128(0xc42f_df75_3097_471c_8c33_fb52_454d_81c0);

impl Kind {
    /// The kind of an agent with or without a parent, of a resource of this type, in a workspace of
    /// this owner. The first rule that matches decides.
    pub fn of(has_parent: bool, resource_type: &str, owner: Option<Uuid>) -> Self {
        if has_parent {
            Self::Sub
        } else if resource_type == EXTERNAL {
            Self::External
        } else if owner == Some(PREBUILDS_USER) {
            Self::Prebuild
        } else {
            Self::Root
        }
    }

    /// Whether the agent serves its workspace: a sub-agent only adds to one that does.
    pub const fn serves_workspace(self) -> bool {
        match self {
            Self::Root | Self::External | Self::Prebuild => true,
            Self::Sub => false,
        }
    }
}

/// `workspace_transition`: the requested state of a workspace.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Transition {
    /// Start the workspace.
    Start,
    /// Stop the workspace and keep its persistent resources.
    Stop,
    /// Delete the workspace and all its resources.
    Delete,
}

/// `workspace_agent_lifecycle_state`: the state of its scripts that the agent last reported, in the
/// order in which an agent passes through the states.
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
pub enum Lifecycle {
    /// The row exists; the agent has reported nothing.
    Created,
    /// The startup script runs.
    Starting,
    /// The startup script takes longer than the template allows.
    StartTimeout,
    /// The startup script failed.
    StartError,
    /// The startup script succeeded.
    Ready,
    /// The shutdown script runs.
    ShuttingDown,
    /// The shutdown script takes longer than the template allows.
    ShutdownTimeout,
    /// The shutdown script failed.
    ShutdownError,
    /// The shutdown script succeeded.
    Off,
}

impl Lifecycle {
    /// Whether the agent reported that it is going, or gone: it was asked to, or its machine was.
    pub const fn is_shutdown(self) -> bool {
        matches!(
            self,
            Self::ShuttingDown | Self::ShutdownTimeout | Self::ShutdownError | Self::Off
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_rule_that_matches_decides_the_kind() {
        let (coder, person) = (Some(PREBUILDS_USER), Some(Uuid::from_u128(1)));
        assert_eq!(
            PREBUILDS_USER.to_string(),
            "c42fdf75-3097-471c-8c33-fb52454d81c0"
        );
        let of = |has_parent, owner| {
            ["coder_external_agent", "docker_container"]
                .map(|resource_type| Kind::of(has_parent, resource_type, owner))
        };
        assert_eq!(of(true, coder), [Kind::Sub, Kind::Sub]);
        assert_eq!(of(false, coder), [Kind::External, Kind::Prebuild]);
        assert_eq!(of(false, person), [Kind::External, Kind::Root]);
        assert_eq!(of(false, None), [Kind::External, Kind::Root]);
    }

    #[test]
    fn agent_takes_no_more_room_than_it_did() {
        // A million of them are in memory at once: a field more is megabytes more.
        assert_eq!(size_of::<Agent>(), 160);
    }
}
