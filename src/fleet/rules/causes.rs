//! Which problems can have a cause, and what has to be looked up for it (`docs/spec/causes.md`).

use crate::fleet::model::agent::Agent;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::{Health, Limits, assess};
use crate::fleet::rules::status::{StatusRule, status_rule};

/// What an agent's own row says about the cause of its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCause {
    /// It has no problem.
    Nothing,
    /// The row tells the cause.
    Cause(Cause),
    /// Other rows may tell it.
    Ask(Question),
}

/// What other rows are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Did its process survive an earlier build?
    Survived,
    /// Does the process of an earlier build run on?
    OldProcess,
    /// Which script failed, or has not ended?
    Scripts,
    /// Was its memory or a volume too full?
    Monitors,
    /// Is the coderd gone that held its connection, else was anything too full?
    CoderdThenMonitors,
}

/// What is to be asked about this agent at `now`.
pub fn cause_in_row(agent: &Agent, limits: &Limits, now: Timestamp) -> RowCause {
    match assess(agent, limits, now).health {
        Health::StuckCreated if agent.version.is_empty() => RowCause::Cause(Cause::TokenElsewhere),
        Health::StuckCreated => RowCause::Ask(Question::Survived),
        Health::StuckConnecting | Health::ConnectTimeout => RowCause::Ask(Question::OldProcess),
        Health::StartError | Health::StuckStarting => RowCause::Ask(Question::Scripts),
        Health::Terminated => RowCause::Ask(Question::Monitors),
        Health::Disconnected => match status_rule(agent, limits.inactive_timeout, now) {
            StatusRule::Silent => RowCause::Ask(Question::CoderdThenMonitors),
            _ => RowCause::Ask(Question::Monitors),
        },
        Health::Shutdown | Health::Connecting | Health::Starting | Health::Healthy => {
            RowCause::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, never_connected};
    use crate::fleet::model::agent::Lifecycle;
    use crate::fleet::model::label_value::DbEnum;
    use crate::fleet::rules::health::tests::any_agent;
    use proptest::prelude::*;

    fn told(agent: &Agent, now: i64) -> RowCause {
        cause_in_row(agent, &Limits::default(), at(now))
    }

    #[test]
    fn connection_of_what_is_no_agent_is_told_by_its_row() {
        let mut stuck = agent();
        stuck.lifecycle = DbEnum::Known(Lifecycle::Created);
        assert_eq!(told(&stuck, 0), RowCause::Ask(Question::Survived));
        stuck.version = "".into();
        assert_eq!(told(&stuck, 0), RowCause::Cause(Cause::TokenElsewhere));
        // Lost, it is no longer stuck; and a row without a version that never connected never was.
        assert_eq!(
            told(&stuck, 31),
            RowCause::Ask(Question::CoderdThenMonitors)
        );
        let mut waiting = never_connected();
        waiting.version = "".into();
        assert_eq!(told(&waiting, 121), RowCause::Ask(Question::OldProcess));
    }

    #[test]
    fn coderd_is_asked_about_only_where_it_wrote_no_end() {
        let mut closed = agent();
        closed.disconnected_at = Some(at(1));
        assert_eq!(told(&closed, 31), RowCause::Ask(Question::Monitors));
        closed.lifecycle = DbEnum::Known(Lifecycle::Off);
        assert_eq!(told(&closed, 31), RowCause::Nothing);
        assert_eq!(told(&closed, 302), RowCause::Ask(Question::Monitors));
    }

    proptest! {
        #[test]
        fn only_problems_are_asked_about(agent in any_agent(), now in -4000_i64..4000) {
            let is_problem = assess(&agent, &Limits::default(), at(now)).health.is_problem();
            prop_assert_eq!(told(&agent, now) != RowCause::Nothing, is_problem);
        }
    }
}
