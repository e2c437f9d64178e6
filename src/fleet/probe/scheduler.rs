//! Chooses the workspaces of the next probe round (`docs/spec/probe.md`).

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::fleet::model::agent::Transition;
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::fleet_stats::FleetStats;

/// A running workspace that may be probed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeCandidate {
    /// `workspaces.id`.
    pub workspace: Uuid,
    /// Whether the workspace is in the probe's scope.
    pub in_scope: InScope,
    /// Whether it has a stale binding or an agent with a problem.
    pub urgent: bool,
    /// Seconds since the last heartbeat, of the connected agent with the oldest one; `None` without
    /// one.
    pub silent_seconds: Option<f64>,
}

/// Whether a workspace is in the probe's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InScope {
    /// All agents that may serve it are in scope.
    Yes,
    /// No agent is in scope.
    No,
    /// Some agents are in scope, so it depends on which one serves the workspace.
    SomeAgents,
}

impl InScope {
    fn of(is_in_scope: bool) -> Self {
        if is_in_scope { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        if self == other {
            self
        } else {
            Self::SomeAgents
        }
    }
}

/// The running workspaces: those whose latest build started them and has an agent that serves them.
///
/// `is_in_scope` says of an agent, by its id and status, whether a workspace that it serves is in
/// the probe's scope.
pub fn candidates(
    fleet: &FleetStats,
    is_stale: impl Fn(Uuid) -> bool,
    is_in_scope: impl Fn(Uuid, Status) -> bool,
) -> Vec<ProbeCandidate> {
    let mut by_workspace: HashMap<Uuid, ProbeCandidate> = HashMap::new();
    for (agent, assessment) in fleet.judged() {
        if !agent.kind.serves_workspace() || agent.transition != DbEnum::Known(Transition::Start) {
            continue;
        }
        let workspace = agent.workspace_id;
        let in_scope = InScope::of(is_in_scope(agent.id, assessment.status));
        let candidate = by_workspace
            .entry(workspace)
            .or_insert_with(|| ProbeCandidate {
                workspace,
                in_scope,
                urgent: is_stale(workspace),
                silent_seconds: None,
            });
        candidate.in_scope = candidate.in_scope.and(in_scope);
        candidate.urgent |= assessment.health.is_problem();
        if assessment.status == Status::Connected
            && let Some(heartbeat) = agent.last_connected_at
        {
            let silent = fleet.snapshot.now.seconds_since(heartbeat);
            let longest = candidate.silent_seconds.map_or(silent, |it| it.max(silent));
            candidate.silent_seconds = Some(longest);
        }
    }
    by_workspace.into_values().collect()
}

/// Records in which turn each workspace was probed.
///
/// A turn probes each workspace once: urgent ones first, then those with the oldest heartbeats. No
/// workspace is probed twice before all others were probed once, so permanent problems do not delay
/// the rest. All workspaces are probed after workspaces / sample rounds.
#[derive(Debug, Clone, Default)]
pub struct ProbeScheduler {
    turn: u64,
    reached: HashMap<Uuid, u64>,
}

impl ProbeScheduler {
    /// Chooses the next workspaces in scope, at most `sample`. A workspace that is not
    /// [`reached`](Self::reached) keeps its turn. A workspace that leaves the scope for a while
    /// gets no extra turn.
    pub fn choose(&mut self, candidates: &[ProbeCandidate], sample: usize) -> Vec<Uuid> {
        let present: HashSet<_> = candidates.iter().map(|it| it.workspace).collect();
        self.reached
            .retain(|workspace, _| present.contains(workspace));
        let (mut waiting, mut others): (Vec<&ProbeCandidate>, Vec<&ProbeCandidate>) = candidates
            .iter()
            .filter(|it| it.in_scope == InScope::Yes)
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

    /// Marks a workspace as probed in this turn.
    pub fn reached(&mut self, workspace: Uuid) {
        self.reached.insert(workspace, self.turn);
    }
}

fn rank(one: &ProbeCandidate, other: &ProbeCandidate) -> std::cmp::Ordering {
    let silent = |it: &ProbeCandidate| it.silent_seconds.unwrap_or(f64::NEG_INFINITY);
    other
        .urgent
        .cmp(&one.urgent)
        .then(silent(other).total_cmp(&silent(one)))
        .then(one.workspace.cmp(&other.workspace))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::{Agent, Kind};

    fn candidate(id: u128, urgent: bool, silent_seconds: f64) -> ProbeCandidate {
        ProbeCandidate {
            workspace: Uuid::from_u128(id),
            in_scope: InScope::Yes,
            urgent,
            silent_seconds: Some(silent_seconds),
        }
    }

    fn round(
        scheduler: &mut ProbeScheduler,
        candidates: &[ProbeCandidate],
        sample: usize,
    ) -> Vec<u128> {
        let chosen = scheduler.choose(candidates, sample);
        chosen.iter().for_each(|&it| scheduler.reached(it));
        chosen.iter().map(Uuid::as_u128).collect()
    }

    #[test]
    fn urgent_ones_come_first_then_those_nearest_to_being_lost() {
        let candidates = [
            candidate(1, false, 3.0),
            candidate(2, false, 29.0),
            candidate(3, true, 0.0),
        ];
        assert_eq!(
            round(&mut ProbeScheduler::default(), &candidates, 3),
            [3, 2, 1]
        );
    }

    #[test]
    fn problems_that_stay_keep_nobody_waiting() {
        let mut candidates: Vec<_> = (0..10).map(|id| candidate(id, true, 0.0)).collect();
        candidates.extend((10..40).map(|id| candidate(id, false, 1.0)));
        let mut scheduler = ProbeScheduler::default();
        let mut seen: Vec<_> = (0..4)
            .flat_map(|_| round(&mut scheduler, &candidates, 10))
            .collect();
        assert_eq!(seen[..10], (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
        assert!(
            round(&mut scheduler, &candidates, 10)
                .iter()
                .all(|&id| id < 10)
        );
    }

    #[test]
    fn who_was_not_reached_keeps_its_turn() {
        let candidates: Vec<_> = (0..4).map(|id| candidate(id, false, 0.0)).collect();
        let mut scheduler = ProbeScheduler::default();
        let cut_short = scheduler.choose(&candidates, 2);
        scheduler.reached(cut_short[0]);
        assert_eq!(scheduler.choose(&candidates, 2)[0], cut_short[1]);
    }

    #[test]
    fn only_workspaces_that_were_started_and_have_an_agent_stand_in_line() {
        let stopped = Agent {
            workspace_id: Uuid::from_u128(7),
            transition: DbEnum::Known(Transition::Stop),
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
        let expected = ProbeCandidate {
            workspace: agent().workspace_id,
            in_scope: InScope::Yes,
            urgent: false,
            silent_seconds: Some(20.0),
        };
        assert_eq!(candidates(&fleet, |_| false, |_, _| true), [expected]);
        assert!(candidates(&fleet, |_| true, |_, _| true)[0].urgent);
    }

    #[test]
    fn agent_with_a_problem_makes_its_workspace_urgent() {
        let lost = Agent {
            last_connected_at: Some(at(-3600)),
            ..agent()
        };
        assert!(candidates(&fleet_of(vec![lost]), |_| false, |_, _| true)[0].urgent);
    }

    #[test]
    fn workspace_of_several_agents_is_in_scope_as_far_as_all_of_them_are() {
        let lost = Agent {
            id: Uuid::from_u128(9),
            last_connected_at: Some(at(-3600)),
            ..agent()
        };
        let fleet = fleet_of(vec![agent(), lost]);
        let in_scope = |is_in_scope: fn(Uuid, Status) -> bool| {
            candidates(&fleet, |_| false, is_in_scope)[0].in_scope
        };
        assert_eq!(in_scope(|_, _| true), InScope::Yes);
        assert_eq!(in_scope(|_, _| false), InScope::No);
        let not_connected = |_, status| status != Status::Connected;
        assert_eq!(in_scope(not_connected), InScope::SomeAgents);
    }

    #[test]
    fn only_what_is_in_scope_is_chosen_and_leaving_the_scope_gives_no_second_turn() {
        let mut candidates: Vec<_> = (0..4).map(|id| candidate(id, false, 0.0)).collect();
        let mut scheduler = ProbeScheduler::default();
        candidates[3].in_scope = InScope::No;
        assert_eq!(round(&mut scheduler, &candidates, 1), [0]);
        candidates[0].in_scope = InScope::SomeAgents;
        assert_eq!(round(&mut scheduler, &candidates, 1), [1]);
        candidates[0].in_scope = InScope::Yes;
        assert_eq!(round(&mut scheduler, &candidates, 2), [2, 0]);
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
            let candidates: Vec<_> = (0..count)
                .map(|id| candidate(id, urgent[id as usize], silent[id as usize]))
                .collect();
            let mut scheduler = ProbeScheduler::default();
            for _ in 0..before {
                round(&mut scheduler, &candidates, sample);
            }
            // From any moment on, the one that waits longest waits for one turn to end and one to
            // pass; from the start, for one.
            let turns = if before == 0 { 1 } else { 2 };
            let rounds = turns * count.div_ceil(sample as u128);
            let seen: HashSet<_> = (0..rounds)
                .flat_map(|_| round(&mut scheduler, &candidates, sample))
                .collect();
            prop_assert_eq!(seen.len() as u128, count);
        }
    }
}
