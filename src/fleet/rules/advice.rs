//! What an operator should do, in one place: for each outcome of trying to reach an agent
//! (`docs/spec/resolver.md`) and for each problem an agent can have (`docs/spec/health.md`).

use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::snapshot::Cause;
use crate::fleet::rules::health::Health;

impl ProbeOutcome {
    /// What to do about it, in one sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Ok => "Nothing to do: the agent answers.",
            Self::Switched => {
                "Nothing to do: a binding to an agent of an earlier build now leads to the new agent."
            }
            Self::NoAgent => "Start the workspace: its latest build has no agent to reach.",
            Self::Disconnected => {
                "Stop the workspace, then start it: a start alone does not recover a running workspace."
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
    /// What to do about it, in one sentence; `None` when there is nothing to do. The cause is
    /// that of an agent stuck in `created`.
    pub const fn advice(self, cause: Option<Cause>) -> Option<&'static str> {
        Some(match (self, cause) {
            (Self::StuckConnecting | Self::ConnectTimeout, _) => {
                ProbeOutcome::NeverConnected.advice()
            }
            (Self::Disconnected, _) => ProbeOutcome::Disconnected.advice(),
            (Self::StartError, _) => {
                "Read the startup script's log: the script failed, and what it sets up may be missing."
            }
            (Self::StuckCreated, Some(Cause::SurvivedBuild)) => {
                "Stop the workspace, then start it: its agent runs since an earlier build and sends no report."
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
            let advice = health.advice(None);
            assert_eq!(advice.is_some(), health.is_problem(), "{health:?}");
        }
    }

    #[test]
    fn advice_is_one_sentence_that_fits_a_terminal() {
        let of_outcomes = ProbeOutcome::ALL.iter().map(|it| it.advice());
        let causes = [None, Some(Cause::SurvivedBuild), Some(Cause::NeverReported)];
        let of_problems = Health::ALL
            .iter()
            .flat_map(|it| causes.into_iter().filter_map(|cause| it.advice(cause)));
        for advice in of_outcomes.chain(of_problems) {
            assert!(advice.ends_with('.'), "{advice}");
            assert_eq!(advice.matches(". ").count(), 0, "{advice}");
            assert!(advice.len() <= 100, "{advice}");
        }
    }
}
