//! Outcomes of a dial of a workspace's agent (`docs/spec/probe.md`).

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
    /// The bound agent answered.
    Ok,
    /// The bound agent belonged to an earlier build; the agent of the latest build answered.
    Switched,
    /// The latest build has no root agent to dial.
    NoAgent,
    /// The agent was not dialed or did not answer, and its row says that it is disconnected.
    Disconnected,
    /// The agent has never connected.
    NeverConnected,
    /// The agent did not answer in time.
    DialTimeout,
    /// The dial failed with an error.
    DialError,
    /// Several agents of the build may serve the workspace, and no rule prefers one.
    Ambiguous,
    /// The exporter could not dial. No agent is at fault.
    ExporterError,
}

impl ProbeOutcome {
    /// Whether an agent answered.
    pub const fn is_reached(self) -> bool {
        matches!(self, Self::Ok | Self::Switched)
    }

    /// Whether an agent existed and did not answer.
    pub const fn is_unreached(self) -> bool {
        matches!(
            self,
            Self::Disconnected | Self::NeverConnected | Self::DialTimeout | Self::DialError
        )
    }
}
