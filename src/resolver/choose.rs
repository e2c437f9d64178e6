//! Chooses the agent of a build that serves the workspace (`docs/spec/resolver.md`).

use crate::fleet::model::agent::Label;
use crate::fleet::model::latest::{Candidate, WorkspaceAt};

use super::parts::Target;

/// Suffix of the name of an agent for chats, in any case.
const CHAT_SUFFIX: &str = "-coderd-chat";

/// Why no agent was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// The build has no agent, or only sub-agents.
    #[error("the latest build has no agent")]
    NoAgent,
    /// Several agents have a name that ends in `-coderd-chat`.
    #[error("several agents are named …-coderd-chat: {}", .0.join(", "))]
    Ambiguous(Vec<Label>),
}

/// The agent that serves the workspace: the only one named `…-coderd-chat`, else the first by
/// display order, lower-cased name, name, id.
///
/// Sub-agents do not count. Candidates are not soft-deleted to begin with.
///
/// # Errors
///
/// When there is none, or more than one is named `…-coderd-chat`.
pub fn choose_agent(candidates: &[Candidate]) -> Result<&Candidate, NoChoice> {
    let serving = || {
        let serves = |it: &&Candidate| it.agent.kind.serves_workspace();
        candidates.iter().filter(serves)
    };
    let is_chat = |it: &&Candidate| it.agent.name.to_lowercase().ends_with(CHAT_SUFFIX);
    let chats: Vec<_> = serving().filter(is_chat).collect();
    match *chats {
        [only] => Ok(only),
        [] => serving().min_by_key(|it| rank(it)).ok_or(NoChoice::NoAgent),
        _ => {
            let mut names: Vec<_> = chats.iter().map(|it| it.agent.name.clone()).collect();
            names.sort();
            Err(NoChoice::Ambiguous(names))
        }
    }
}

/// The chosen agent as a target of a dial.
pub(super) fn choose(latest: &WorkspaceAt) -> Result<Target, NoChoice> {
    choose_agent(&latest.agents).map(|it| Target::of(&it.agent))
}

/// The sort key. Ids are compared by their bytes, which is also the order of their text.
fn rank(candidate: &Candidate) -> (i32, String, &str, uuid::Uuid) {
    let name = &candidate.agent.name;
    (
        candidate.display_order,
        name.to_lowercase(),
        name,
        candidate.agent.id,
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fleet::fixtures::agent;
    use crate::fleet::model::agent::{Agent, Kind};

    fn candidate(id: u128, name: &str, display_order: i32) -> Candidate {
        let agent = Agent {
            id: Uuid::from_u128(id),
            name: name.into(),
            ..agent()
        };
        Candidate {
            parent_id: None,
            agent,
            display_order,
        }
    }

    fn chosen(candidates: &[Candidate]) -> u128 {
        choose_agent(candidates).unwrap().agent.id.as_u128()
    }

    #[test]
    fn only_agent_is_the_one() {
        assert_eq!(chosen(&[candidate(7, "main", 0)]), 7);
    }

    #[test]
    fn chat_agent_comes_before_every_other_in_any_case() {
        let first = candidate(1, "a", 0);
        let chat = candidate(2, "z-CoderD-Chat", 9);
        assert_eq!(chosen(&[first, chat]), 2);
    }

    #[test]
    fn two_chat_agents_are_an_error_that_names_them() {
        let two = [
            candidate(1, "b-coderd-chat", 0),
            candidate(2, "a-CODERD-CHAT", 1),
        ];
        let error = choose_agent(&two).unwrap_err();
        assert!(
            error.to_string().contains("a-CODERD-CHAT, b-coderd-chat"),
            "{error}"
        );
    }

    #[test]
    fn display_order_then_lower_case_then_name_then_id_decide() {
        assert_eq!(chosen(&[candidate(1, "a", 1), candidate(2, "b", 0)]), 2);
        assert_eq!(chosen(&[candidate(1, "b", 0), candidate(2, "A", 0)]), 2);
        assert_eq!(chosen(&[candidate(1, "a", 0), candidate(2, "A", 0)]), 2);
        assert_eq!(chosen(&[candidate(2, "a", 0), candidate(1, "a", 0)]), 1);
    }

    #[test]
    fn sub_agents_do_not_count_whatever_their_name() {
        let mut sub = candidate(1, "x-coderd-chat", 0);
        sub.agent.kind = Kind::Sub;
        assert_eq!(chosen(&[sub.clone(), candidate(2, "main", 5)]), 2);
        assert_eq!(choose_agent(&[sub]), Err(NoChoice::NoAgent));
        assert_eq!(choose_agent(&[]), Err(NoChoice::NoAgent));
    }
}
