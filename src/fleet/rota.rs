//! Whose turn it is to be probed (`docs/spec/probe.md`).

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::agent::{Kind, Transition};
use super::census::Fleet;
use super::named::Named;
use super::status::Status;

/// A running workspace that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// `workspaces.id`.
    pub workspace: Uuid,
    /// Whether it has a stale binding, or an agent with a problem.
    pub urgent: bool,
    /// Seconds since the last heartbeat of the connected agent that is nearest to being lost.
    pub silent_seconds: Option<f64>,
}

/// The running workspaces: those whose latest build started them and has a root agent.
pub fn standings(fleet: &Fleet, is_stale: impl Fn(Uuid) -> bool) -> Vec<Standing> {
    let mut by_workspace: HashMap<Uuid, Standing> = HashMap::new();
    for (agent, assessment) in fleet.judged() {
        if agent.kind != Kind::Root || agent.transition != Named::Known(Transition::Start) {
            continue;
        }
        let workspace = agent.workspace_id;
        let standing = by_workspace.entry(workspace).or_insert_with(|| Standing {
            workspace,
            urgent: is_stale(workspace),
            silent_seconds: None,
        });
        standing.urgent |= assessment.health.is_problem();
        if assessment.status == Status::Connected
            && let Some(heartbeat) = agent.last_connected_at
        {
            let silent = fleet.snapshot.now.seconds_since(heartbeat);
            let longest = standing.silent_seconds.map_or(silent, |it| it.max(silent));
            standing.silent_seconds = Some(longest);
        }
    }
    by_workspace.into_values().collect()
}

/// Who was reached in which turn.
///
/// In one turn everybody is reached once: urgent ones first, then those nearest to being lost.
/// Nobody is reached twice before all were once, so problems that stay cannot keep the others
/// waiting: after workspaces / sample rounds all have been reached.
#[derive(Debug, Clone, Default)]
pub struct Rota {
    turn: u64,
    reached: HashMap<Uuid, u64>,
}

impl Rota {
    /// The next ones, `sample` at most. Who is not [`reached`](Self::reached) keeps its turn.
    pub fn choose(&mut self, standings: &[Standing], sample: usize) -> Vec<Uuid> {
        let present: HashSet<_> = standings.iter().map(|it| it.workspace).collect();
        self.reached
            .retain(|workspace, _| present.contains(workspace));
        let (mut waiting, mut others): (Vec<&Standing>, Vec<&Standing>) = standings
            .iter()
            .partition(|it| self.reached.get(&it.workspace) != Some(&self.turn));
        waiting.sort_by(|one, other| rank(one, other));
        if waiting.len() <= sample {
            // The last of this turn, and the first of the next.
            self.turn += 1;
            others.sort_by(|one, other| rank(one, other));
            waiting.extend(others);
        }
        let next = waiting.into_iter().take(sample);
        next.map(|it| it.workspace).collect()
    }

    /// This one has had its turn.
    pub fn reached(&mut self, workspace: Uuid) {
        self.reached.insert(workspace, self.turn);
    }
}

fn rank(one: &Standing, other: &Standing) -> std::cmp::Ordering {
    let silent = |it: &Standing| it.silent_seconds.unwrap_or(f64::NEG_INFINITY);
    other
        .urgent
        .cmp(&one.urgent)
        .then(silent(other).total_cmp(&silent(one)))
        .then(one.workspace.cmp(&other.workspace))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::agent::Agent;
    use super::super::fixtures::{agent, at, fleet_of};
    use super::*;

    fn standing(id: u128, urgent: bool, silent_seconds: f64) -> Standing {
        Standing {
            workspace: Uuid::from_u128(id),
            urgent,
            silent_seconds: Some(silent_seconds),
        }
    }

    fn round(rota: &mut Rota, standings: &[Standing], sample: usize) -> Vec<u128> {
        let chosen = rota.choose(standings, sample);
        chosen.iter().for_each(|&it| rota.reached(it));
        chosen.iter().map(Uuid::as_u128).collect()
    }

    #[test]
    fn urgent_ones_come_first_then_those_nearest_to_being_lost() {
        let standings = [
            standing(1, false, 3.0),
            standing(2, false, 29.0),
            standing(3, true, 0.0),
        ];
        assert_eq!(round(&mut Rota::default(), &standings, 3), [3, 2, 1]);
    }

    #[test]
    fn problems_that_stay_keep_nobody_waiting() {
        let mut standings: Vec<_> = (0..10).map(|id| standing(id, true, 0.0)).collect();
        standings.extend((10..40).map(|id| standing(id, false, 1.0)));
        let mut rota = Rota::default();
        let mut seen: Vec<_> = (0..4)
            .flat_map(|_| round(&mut rota, &standings, 10))
            .collect();
        assert_eq!(seen[..10], (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
        assert!(round(&mut rota, &standings, 10).iter().all(|&id| id < 10));
    }

    #[test]
    fn who_was_not_reached_keeps_its_turn() {
        let standings: Vec<_> = (0..4).map(|id| standing(id, false, 0.0)).collect();
        let mut rota = Rota::default();
        let cut_short = rota.choose(&standings, 2);
        rota.reached(cut_short[0]);
        assert_eq!(rota.choose(&standings, 2)[0], cut_short[1]);
    }

    #[test]
    fn only_workspaces_that_were_started_and_have_a_root_agent_stand_in_line() {
        let stopped = Agent {
            workspace_id: Uuid::from_u128(7),
            transition: Named::Known(Transition::Stop),
            ..agent()
        };
        let sub = Agent {
            workspace_id: Uuid::from_u128(8),
            kind: Kind::Sub,
            ..agent()
        };
        let mut silent = agent();
        silent.last_connected_at = Some(at(-20));
        let fleet = fleet_of(vec![agent(), silent, stopped, sub]);
        let expected = Standing {
            workspace: agent().workspace_id,
            urgent: false,
            silent_seconds: Some(20.0),
        };
        assert_eq!(standings(&fleet, |_| false), [expected]);
        assert!(standings(&fleet, |_| true)[0].urgent);
    }

    #[test]
    fn agent_with_a_problem_makes_its_workspace_urgent() {
        let lost = Agent {
            last_connected_at: Some(at(-3600)),
            ..agent()
        };
        assert!(standings(&fleet_of(vec![lost]), |_| false)[0].urgent);
    }

    proptest! {
        #[test]
        fn everybody_is_reached_within_workspaces_by_sample_rounds(
            count in 1..60_u128,
            sample in 1..20_usize,
            urgent in prop::collection::vec(any::<bool>(), 60),
            silent in prop::collection::vec(0.0..30.0_f64, 60),
            before in 0..7,
        ) {
            let standings: Vec<_> = (0..count)
                .map(|id| standing(id, urgent[id as usize], silent[id as usize]))
                .collect();
            let mut rota = Rota::default();
            for _ in 0..before {
                round(&mut rota, &standings, sample);
            }
            // From any moment on, whoever waits longest waits for one turn to end and one to
            // pass; from the start, for one.
            let turns = if before == 0 { 1 } else { 2 };
            let rounds = turns * count.div_ceil(sample as u128);
            let seen: HashSet<_> = (0..rounds)
                .flat_map(|_| round(&mut rota, &standings, sample))
                .collect();
            prop_assert_eq!(seen.len() as u128, count);
        }
    }
}
