//! What comes of trying to reach a workspace's agent (`docs/spec/probe.md`).

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The outcomes of `coder_agent_probe_outcomes_total`.
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
pub enum ProbeOutcome {
    /// The agent that was bound answered.
    Ok,
    /// The bound agent was of an earlier build; the one of the latest build answered.
    Switched,
    /// The latest build has no agent to reach.
    NoAgent,
    /// The agent is known to be disconnected.
    Disconnected,
    /// The agent has never connected.
    NeverConnected,
    /// The agent did not answer in time.
    DialTimeout,
    /// The dial failed.
    DialError,
    /// Several agents of the build could be meant.
    Ambiguous,
    /// This exporter could not ask: no agent is to blame.
    ExporterError,
}

impl ProbeOutcome {
    /// Whether an agent answered.
    pub const fn is_reached(self) -> bool {
        matches!(self, Self::Ok | Self::Switched)
    }

    /// Whether an agent was there to answer and did not.
    pub const fn is_unreached(self) -> bool {
        matches!(
            self,
            Self::Disconnected | Self::NeverConnected | Self::DialTimeout | Self::DialError
        )
    }
}
