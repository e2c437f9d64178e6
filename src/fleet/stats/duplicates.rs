//! Merges and counts rows that would give the same series twice (`docs/spec/failures.md`).
//!
//! Coder's keys and indexes prevent such rows. They can occur in a database that was restored
//! without its indexes, and when two names that are not valid UTF-8 become equal after decoding.
//! Prometheus rejects a whole scrape that contains a series twice.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::hash::Hash;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::snapshot::Snapshot;

/// Removes rows that repeat an agent's id, and returns the number of removed rows. Of two rows with
/// the same id the newer one stays: the one with the later heartbeat, then the one created later.
///
/// Nothing is added up, because an agent that is read twice is still one agent.
pub fn each_once(mut agents: Vec<Agent>) -> (Vec<Agent>, u64) {
    let rows = agents.len();
    agents.sort_unstable_by_key(|agent| (agent.id, Reverse(age(agent))));
    agents.dedup_by(|next, kept| next.id == kept.id);
    let left_out = rows - agents.len();
    (agents, left_out as u64)
}

/// Number of merged rows in this snapshot: repeated agents, and counts of apps and workspaces with
/// the same names.
///
/// Counts of chats are merged too. They have the names of their workspaces, which are already
/// counted here.
pub fn merged_rows(snapshot: &Snapshot) -> u64 {
    let apps = snapshot.apps.iter().flatten();
    let workspaces = snapshot.workspaces.iter().flatten();
    snapshot.repeated_agents
        + repeats(apps.map(|it| (it.scope, &it.health)))
        + repeats(workspaces.map(|it| (&it.scope, &it.transition, &it.job, it.has_agent)))
}

/// The number of keys that repeat an earlier one.
pub fn repeats<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> u64 {
    let mut seen = HashSet::new();
    keys.map(|key| u64::from(!seen.insert(key))).sum()
}

/// The key that orders rows of the same agent from old to new.
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
            oldest: None,
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
