//! The agents of a build as a tree: each sub-agent below its parent.

use std::collections::HashSet;

use uuid::Uuid;

use crate::fleet::model::latest::Candidate;

/// An agent and its depth in the tree; zero for a root agent.
pub type Placed<'a> = (usize, &'a Candidate);

/// All agents, each sub-agent after its parent. Siblings have the order of the template. An agent
/// whose parent is missing counts as a root.
pub fn agent_tree(agents: &[Candidate]) -> Vec<Placed<'_>> {
    let mut in_order: Vec<_> = agents.iter().collect();
    in_order.sort_by_cached_key(|it| {
        let name = it.agent.name.to_lowercase();
        (it.display_order, name, it.agent.id)
    });
    let known: HashSet<_> = agents.iter().map(|it| it.agent.id).collect();
    let is_root = |it: &Candidate| it.parent_id.is_none_or(|parent| !known.contains(&parent));
    let mut placed = Vec::with_capacity(agents.len());
    let mut seen = HashSet::new();
    for root in in_order.iter().filter(|it| is_root(it)) {
        place(root, 0, &in_order, &mut seen, &mut placed);
    }
    // Rows that are each other's parents: under no root, and shown all the same.
    for rest in &in_order {
        place(rest, 0, &in_order, &mut seen, &mut placed);
    }
    placed
}

fn place<'a>(
    candidate: &'a Candidate,
    depth: usize,
    in_order: &[&'a Candidate],
    seen: &mut HashSet<Uuid>,
    placed: &mut Vec<Placed<'a>>,
) {
    let id = candidate.agent.id;
    if !seen.insert(id) {
        return;
    }
    placed.push((depth, candidate));
    for child in in_order.iter().filter(|it| it.parent_id == Some(id)) {
        place(child, depth + 1, in_order, seen, placed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::agent;
    use crate::fleet::model::agent::Agent;

    fn candidate(id: u128, name: &str, display_order: i32, parent: Option<u128>) -> Candidate {
        let agent = Agent {
            id: Uuid::from_u128(id),
            name: name.into(),
            ..agent()
        };
        Candidate {
            agent,
            display_order,
            parent_id: parent.map(Uuid::from_u128),
        }
    }

    #[track_caller]
    fn check(agents: &[Candidate], expected: &[(usize, &str)]) {
        let found = agent_tree(agents);
        let found: Vec<_> = found
            .iter()
            .map(|(depth, it)| (*depth, &*it.agent.name))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sub_agents_stand_under_their_parent_in_the_templates_order() {
        check(
            &[
                candidate(4, "web", 0, Some(2)),
                candidate(1, "zeta", 1, None),
                candidate(2, "main", 1, None),
                candidate(3, "Api", 0, Some(2)),
                candidate(5, "first", 0, None),
            ],
            &[
                (0, "first"),
                (0, "main"),
                (1, "Api"),
                (1, "web"),
                (0, "zeta"),
            ],
        );
    }

    #[test]
    fn whose_parent_is_gone_or_goes_round_in_a_circle_is_shown_once() {
        check(&[candidate(1, "orphan", 0, Some(9))], &[(0, "orphan")]);
        check(
            &[
                candidate(1, "a", 0, Some(2)),
                candidate(2, "b", 0, Some(1)),
                candidate(3, "self", 0, Some(3)),
            ],
            &[(0, "a"), (1, "b"), (0, "self")],
        );
    }
}
