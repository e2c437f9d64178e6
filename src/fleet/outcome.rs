//! What comes of trying to reach a workspace's agent (`docs/spec/probe.md`).

use super::named::Variants;

/// The outcomes of `coder_agent_probe_outcomes_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl Variants for ProbeOutcome {
    const ALL: &'static [Self] = &[
        Self::Ok,
        Self::Switched,
        Self::NoAgent,
        Self::Disconnected,
        Self::NeverConnected,
        Self::DialTimeout,
        Self::DialError,
        Self::Ambiguous,
        Self::ExporterError,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Switched => "switched",
            Self::NoAgent => "no_agent",
            Self::Disconnected => "disconnected",
            Self::NeverConnected => "never_connected",
            Self::DialTimeout => "dial_timeout",
            Self::DialError => "dial_error",
            Self::Ambiguous => "ambiguous",
            Self::ExporterError => "exporter_error",
        }
    }
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
