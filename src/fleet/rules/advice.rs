//! What an operator should do, in one place: for each outcome of trying to reach an agent
//! (`docs/spec/resolver.md`) and for each problem an agent can have (`docs/spec/health.md`).

use crate::fleet::model::agent::Kind;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::rules::health::Health;

impl ProbeOutcome {
    /// What to do about it, in one sentence.
    ///
    /// It holds for agents of every kind, so it never says to stop a workspace: that ends what its
    /// user runs there, and Coder refuses it for an external agent. [`Health::advice`] knows the
    /// kind.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Ok => "Nothing to do: the agent answers.",
            Self::Switched => {
                "Nothing to do: a binding to an agent of an earlier build now leads to the new agent."
            }
            Self::NoAgent => "Start the workspace: its latest build has no agent to reach.",
            Self::Disconnected => {
                "Check the agent's machine and network first: explain and its page say what helps if it stays lost."
            }
            Self::NeverConnected => {
                "Check the template and the agent's log on its machine: the agent has never connected."
            }
            Self::DialTimeout => {
                "Wait and try again: the agent did not answer in time, but it may still be running."
            }
            Self::DialError => {
                "Check coderd's log and the network between coderd and the agent: the dial failed."
            }
            Self::Ambiguous => {
                "Rename agents in the template so that only one name ends in -coderd-chat."
            }
            Self::ExporterError => {
                "Check this exporter's token (role template admin), URL and database: no agent is to blame."
            }
        }
    }
}

impl Health {
    /// What to do about an agent of this kind, in one sentence; `None` when there is nothing to do.
    /// A known cause says more than the kind does.
    ///
    /// Stopping a workspace ends what its user runs there, so it comes last, and never helps a
    /// sub-agent. Coder refuses it for an external agent.
    pub const fn advice(self, kind: Kind, cause: Option<Cause>) -> Option<&'static str> {
        if !self.is_problem() {
            return None;
        }
        match cause {
            Some(cause) => match self.advice_for_cause(cause) {
                None => self.advice_for_kind(kind),
                known => known,
            },
            None => self.advice_for_kind(kind),
        }
    }

    /// Where the cause makes a difference.
    const fn advice_for_cause(self, cause: Cause) -> Option<&'static str> {
        Some(match (self, cause) {
            (Self::StuckCreated, Cause::SurvivedBuild) => {
                "Restart the agent process or reboot inside the workspace, then fix the template: stop must end it."
            }
            (Self::StuckCreated, Cause::TokenElsewhere) => {
                "Find what else uses the agent's token, such as a log streamer: it holds the connection open."
            }
            (Self::StuckConnecting | Self::ConnectTimeout, Cause::OldProcess) => {
                "Restart the agent process with the new build's token: it runs on with that of an old build."
            }
            (Self::Disconnected, Cause::CoderdGone) => {
                "Check coderd first: the replica that held the connection is gone, the agent may be well."
            }
            (Self::Disconnected | Self::Terminated, Cause::MemoryHigh) => {
                "Check the machine's memory first: it was above the template's threshold before the loss."
            }
            (Self::Disconnected | Self::Terminated, Cause::DiskHigh) => {
                "Check the machine's disks first: a volume was above the template's threshold before the loss."
            }
            (Self::StartError, Cause::TimedOut) => {
                "Make the script faster or raise its timeout: it was ended when its time was over."
            }
            (Self::StartError, Cause::PipesLeftOpen) => {
                "Redirect the output of what the script starts in the background: it was kept open."
            }
            (Self::StuckStarting, Cause::ScriptRunning) => {
                "Check the script that has not ended, which explain and the agent's page name."
            }
            _ => return None,
        })
    }

    const fn advice_for_kind(self, kind: Kind) -> Option<&'static str> {
        Some(match (self, kind) {
            (Self::StuckConnecting | Self::ConnectTimeout, Kind::Sub) => {
                "Check the dev container's log in the workspace: its agent has never connected."
            }
            (Self::StuckConnecting | Self::ConnectTimeout, Kind::Prebuild) => {
                "Check the template: the agent of a workspace built ahead for its next user never connected."
            }
            (Self::StuckConnecting | Self::ConnectTimeout, _) => {
                ProbeOutcome::NeverConnected.advice()
            }
            (Self::Disconnected | Self::Terminated, Kind::Sub) => {
                "Ask the workspace's user: they may have stopped the dev container, and can start it again."
            }
            (Self::Disconnected | Self::Terminated, Kind::External) => {
                "Ask the owner to start the agent on its machine: Coder cannot stop or start that."
            }
            (Self::Disconnected | Self::Terminated, Kind::Prebuild) => {
                "Check the template, then delete the workspace: no user has it yet, and Coder builds another."
            }
            (Self::Disconnected, Kind::Root) => {
                "Check the agent's machine and network first; stop and start the workspace if it stays lost."
            }
            (Self::Terminated, Kind::Root) => {
                "Find what ended its machine or pod (eviction, drain, reboot), then stop and start the workspace."
            }
            (Self::StartError, _) => {
                "Read the startup script's log: the script failed, and what it sets up may be missing."
            }
            (Self::StuckCreated, _) => {
                "Check the agent's log on its machine: the agent connected but never reported its state."
            }
            (Self::StuckStarting, _) => "Check the startup script: it has not finished.",
            (Self::Shutdown | Self::Connecting | Self::Starting | Self::Healthy, _) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::model::label_value::Variants;

    #[test]
    fn every_problem_has_advice_and_nothing_else_has() {
        for &health in Health::ALL {
            for &kind in Kind::ALL {
                let advice = health.advice(kind, None);
                assert_eq!(advice.is_some(), health.is_problem(), "{health:?}");
            }
        }
    }

    #[test]
    fn stop_is_advised_only_where_it_can_help_and_last() {
        let stop = |kind: Kind, health: Health| {
            let causes = Cause::ALL.iter().map(|&it| Some(it)).chain([None]);
            let all = causes.filter_map(move |it| health.advice(kind, it));
            all.filter(|it| it.to_lowercase().contains("stop and start"))
                .collect::<Vec<_>>()
        };
        for &health in Health::ALL {
            for kind in [Kind::Sub, Kind::External, Kind::Prebuild] {
                assert_eq!(stop(kind, health), [""; 0], "{kind:?} {health:?}");
            }
            for advice in stop(Kind::Root, health) {
                assert!(!advice.starts_with("Stop"), "{advice}");
            }
        }
        assert!(!stop(Kind::Root, Health::Disconnected).is_empty());
    }

    #[test]
    fn outcome_which_knows_no_kind_never_advises_a_stop() {
        for outcome in ProbeOutcome::ALL {
            let advice = outcome.advice();
            assert!(!advice.to_lowercase().contains("stop"), "{advice}");
        }
    }

    #[test]
    fn advice_is_one_sentence_that_fits_a_terminal() {
        let of_outcomes = ProbeOutcome::ALL.iter().map(|it| it.advice());
        let mut all: Vec<_> = of_outcomes.collect();
        for health in Health::ALL {
            let of_kinds = Kind::ALL.iter().map(|&kind| health.advice(kind, None));
            let causes = Cause::ALL.iter().map(|&it| Some(it));
            let of_causes = causes.map(|cause| health.advice(Kind::Root, cause));
            all.extend(of_kinds.chain(of_causes).flatten());
        }
        for advice in all {
            assert!(advice.ends_with('.'), "{advice}");
            assert_eq!(advice.matches(". ").count(), 0, "{advice}");
            assert!(advice.len() <= 100, "{advice}");
        }
    }
}
