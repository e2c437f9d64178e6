//! Rows that would give one series twice (`docs/spec/failures.md`): merged, and counted.
//!
//! Coder's own keys and indexes allow none of them. A database restored without its indexes, or
//! a replica that keeps none, does; and two names that are not UTF-8 can become one when they
//! are read. A page that tells a series twice is refused as a whole, so it must not happen.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::hash::Hash;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::snapshot::Snapshot;

/// The agents by id, each once, and how many rows that leaves out: of two rows of one agent the
/// newest stays, by its last heartbeat, then by when it was made.
///
/// An agent that is read twice is still one agent, so nothing is summed here.
pub fn each_once(mut agents: Vec<Agent>) -> (Vec<Agent>, u64) {
    let rows = agents.len();
    agents.sort_unstable_by_key(|agent| (agent.id, Reverse(age(agent))));
    agents.dedup_by(|next, kept| next.id == kept.id);
    let left_out = rows - agents.len();
    (agents, left_out as u64)
}

/// Rows of this snapshot that were merged with another: agents left out, and counts of apps and
/// workspaces of which the database gave two where it groups by the same names.
///
/// Chats are merged as well; their names are those of the workspaces, and seen there.
pub fn merged_rows(snapshot: &Snapshot) -> u64 {
    let apps = snapshot.apps.iter().flatten();
    let workspaces = snapshot.workspaces.iter().flatten();
    snapshot.repeated_agents
        + repeats(apps.map(|it| (it.scope, &it.health)))
        + repeats(workspaces.map(|it| (&it.scope, &it.transition, &it.job, it.has_agent)))
}

/// How many of these are like one before.
pub fn repeats<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> u64 {
    let mut seen = HashSet::new();
    keys.map(|key| u64::from(!seen.insert(key))).sum()
}

/// By what tells which of two rows of one agent is the newer one.
fn age(agent: &Agent) -> impl Ord + use<> {
    (agent.last_connected_at, agent.created_at)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fleet::fixtures::{agent, at};
    use crate::fleet::model::agent::{Scope, ScopeId};
    use crate::fleet::model::app::AppCount;
    use crate::fleet::model::label_value::DbEnum;
    use crate::fleet::model::workspace::WorkspaceCount;

    fn seen_at(id: u128, second: i64) -> Agent {
        Agent {
            id: Uuid::from_u128(id),
            last_connected_at: Some(at(second)),
            ..agent()
        }
    }

    fn check(agents: &[(u128, i64)], kept: &[(u128, i64)]) {
        let rows = |rows: &[(u128, i64)]| -> Vec<Agent> {
            rows.iter()
                .map(|&(id, second)| seen_at(id, second))
                .collect()
        };
        let left_out = (agents.len() - kept.len()) as u64;
        assert_eq!(each_once(rows(agents)), (rows(kept), left_out));
    }

    #[test]
    fn agents_of_their_own_ids_all_stay() {
        check(&[], &[]);
        check(&[(2, 0), (1, 0), (3, 5)], &[(1, 0), (2, 0), (3, 5)]);
    }

    #[test]
    fn newest_row_of_an_agent_stays() {
        check(&[(1, 5), (2, 0), (1, 9)], &[(1, 9), (2, 0)]);
        check(&[(1, 9), (2, 0), (1, 5), (1, 7)], &[(1, 9), (2, 0)]);
    }

    #[test]
    fn row_without_a_heartbeat_is_older_than_any() {
        let never = Agent {
            last_connected_at: None,
            ..seen_at(1, 0)
        };
        for rows in [
            vec![never.clone(), seen_at(1, -99)],
            vec![seen_at(1, -99), never],
        ] {
            assert_eq!(each_once(rows), (vec![seen_at(1, -99)], 1));
        }
    }

    #[test]
    fn counts_that_share_all_their_labels_are_told_and_others_are_not() {
        let apps = |health: &str| AppCount {
            scope: ScopeId(0),
            health: DbEnum::parse(Some(health)),
            count: 2,
        };
        let workspaces = |has_agent| WorkspaceCount {
            scope: Scope {
                organization: "acme".into(),
                template: "docker".into(),
            },
            transition: DbEnum::parse(Some("start")),
            job: DbEnum::parse(Some("succeeded")),
            has_agent,
            count: 2,
        };
        let mut snapshot = Snapshot::at(at(0));
        assert_eq!(merged_rows(&snapshot), 0);
        snapshot.apps = Some(vec![apps("healthy"), apps("odd")]);
        snapshot.workspaces = Some(vec![workspaces(true), workspaces(false)]);
        assert_eq!(merged_rows(&snapshot), 0);
        snapshot.apps = Some(vec![apps("odd"), apps("healthy"), apps("odd")]);
        assert_eq!(merged_rows(&snapshot), 1);
        snapshot.workspaces = Some(vec![workspaces(true), workspaces(true)]);
        snapshot.repeated_agents = 3;
        assert_eq!(merged_rows(&snapshot), 5);
    }
}
