//! People who were in session when their agent was lost: a fact that never changes, asked once for
//! each agent and loss, and kept while the incident lasts (`docs/spec/incidents.md`).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::activity::{CutOff, Loss};
use crate::fleet::model::agent::{Agent, Kind};
use crate::fleet::model::time::Timestamp;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::model::Incident;
use crate::incident::population::Family;

/// Coder stores reports a little later than it gets them: a younger loss is not asked about yet.
const SETTLED: Duration = Duration::from_secs(30);

/// Coder keeps reports for a day. An older loss cannot be asked about any more.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Losses that are asked about, the oldest first. Of more it is known how many people it hits at
/// least.
const MOST_LOSSES: usize = 50_000;

/// Losses in one question, and the time that they may be apart: the reports around them are read,
/// those of all agents of their templates.
const MOST_ASKED: usize = 2000;
const APART: Duration = Duration::from_secs(12 * 60);

/// How many of these losses, which are in the order of time, are one question.
pub fn first_question(losses: &[Loss]) -> usize {
    let is_near = |it: &&Loss| !it.at.is_past(losses[0].at, APART);
    losses.iter().take(MOST_ASKED).take_while(is_near).count()
}

/// What is known about the losses of the present incidents.
#[derive(Debug, Default)]
pub struct SessionRecord {
    /// Whether a person was in session; `None`: it was asked, and cannot be known any more.
    known: HashMap<(Uuid, Timestamp), Option<bool>>,
}

impl SessionRecord {
    /// Forgets the losses that are in no incident any more, and returns those to be asked about.
    pub fn follow(&mut self, fleet: &FleetStats, incidents: &[Incident]) -> Vec<Loss> {
        let losses: HashMap<(Uuid, Timestamp), Uuid> = match incidents.iter().any(has_people) {
            true => losses(fleet, incidents),
            false => HashMap::new(),
        };
        self.known.retain(|loss, _| losses.contains_key(loss));
        let now = fleet.snapshot.now;
        let can_be_asked = |at: Timestamp| now.is_past(at, SETTLED) && !now.is_past(at, KEPT);
        let mut to_ask: Vec<Loss> = losses
            .into_iter()
            .filter(|(loss, _)| can_be_asked(loss.1) && !self.known.contains_key(loss))
            .map(|((agent, at), workspace)| Loss {
                agent,
                workspace,
                at,
            })
            .collect();
        to_ask.sort_unstable_by_key(|it| (it.at, it.agent));
        to_ask.truncate(MOST_LOSSES.saturating_sub(self.known.len()));
        to_ask
    }

    /// Keeps what was answered about these losses.
    pub fn learn(&mut self, asked: &[Loss], answer: &CutOff) {
        for loss in asked {
            let key = (loss.agent, loss.at);
            let is_known = answer.is_stored() && !answer.now.is_past(loss.at, KEPT);
            let was_in_session = is_known.then(|| answer.in_session.contains(&key));
            self.known.insert(key, was_in_session);
        }
    }

    /// Gives these losses up: the question took too long, and would again.
    pub fn give_up(&mut self, asked: &[Loss]) {
        let keys = asked.iter().map(|it| (it.agent, it.at));
        self.known.extend(keys.map(|it| (it, None)));
    }

    /// Whether it was asked about already.
    pub fn is_known(&self, loss: &Loss) -> bool {
        self.known.contains_key(&(loss.agent, loss.at))
    }

    /// Sets the number of people who were in session, where it is known.
    pub fn fill(&self, fleet: &FleetStats, incidents: &mut [Incident]) {
        if !incidents.iter().any(has_people) {
            return;
        }
        let since = since_of_problems(fleet);
        for incident in incidents.iter_mut().filter(|it| has_people(it)) {
            incident.owners_in_session = self.owners(fleet, incident, &since);
        }
    }

    /// The distinct owners who were in session. Where some losses are unknown it is how many at least,
    /// and `None` while none is known: 0 would say that work went on.
    fn owners(
        &self,
        fleet: &FleetStats,
        incident: &Incident,
        since: &HashMap<Uuid, Timestamp>,
    ) -> Option<u32> {
        let mut owners = HashSet::new();
        let mut is_complete = true;
        for agent in members(fleet, incident) {
            let loss = since.get(&agent.id).map(|&at| (agent.id, at));
            match loss.and_then(|it| self.known.get(&it).copied().flatten()) {
                Some(true) => drop(owners.insert(&agent.owner)),
                Some(false) => {}
                None => is_complete = false,
            }
        }
        (is_complete || !owners.is_empty()).then_some(owners.len() as u32)
    }
}

/// Whether its agents cut people off: those of a prebuild have none yet, and one that never connected
/// had no session.
fn has_people(incident: &Incident) -> bool {
    incident.kind == Kind::Root && incident.family == Family::Lost
}

/// The losses in these incidents, each with its workspace.
fn losses(fleet: &FleetStats, incidents: &[Incident]) -> HashMap<(Uuid, Timestamp), Uuid> {
    let since = since_of_problems(fleet);
    let with_people = incidents.iter().filter(|it| has_people(it));
    let agents = with_people.flat_map(|it| members(fleet, it));
    agents
        .filter_map(|it| Some(((it.id, *since.get(&it.id)?), it.workspace_id)))
        .collect()
}

fn members<'a>(fleet: &'a FleetStats, incident: &'a Incident) -> impl Iterator<Item = &'a Agent> {
    let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
    let members = incident.members.iter();
    members.filter_map(|&it| agents.get(it as usize))
}

fn since_of_problems(fleet: &FleetStats) -> HashMap<Uuid, Timestamp> {
    fleet.problems().map(|it| (it.agent.id, it.since)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::incident::advice::tests::incident;
    use crate::incident::model::Common;

    const DAY: i64 = 24 * 60 * 60;

    /// Agents that were lost so many seconds ago; each owner has two.
    fn fleet(ago: &[i64]) -> FleetStats {
        let agents = (0_u128..).zip(ago).map(|(number, ago)| Agent {
            id: Uuid::from_u128(number),
            workspace_id: Uuid::from_u128(100 + number),
            owner: format!("owner-{}", number / 2).into(),
            first_connected_at: Some(at(-2 * DAY)),
            last_connected_at: Some(at(-ago)),
            ..agent()
        });
        fleet_of(agents.collect())
    }

    fn lost(fleet: &FleetStats) -> Vec<Incident> {
        let mut all = incident(Kind::Root, Family::Lost, Common::Deployment);
        let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
        all.members = (0..agents.len() as u32).collect();
        vec![all]
    }

    fn answer(newest: Option<i64>, in_session: &[&Loss]) -> CutOff {
        let in_session = in_session.iter().map(|it| (it.agent, it.at));
        CutOff {
            now: at(0),
            newest_report: newest.map(at),
            in_session: in_session.collect(),
        }
    }

    fn people(record: &SessionRecord, fleet: &FleetStats) -> Option<u32> {
        let mut incidents = lost(fleet);
        record.fill(fleet, &mut incidents);
        incidents[0].owners_in_session
    }

    #[test]
    fn each_loss_is_asked_once_and_owners_are_counted_once() {
        let fleet = fleet(&[60, 60, 60, 60]);
        let mut record = SessionRecord::default();
        let asked = record.follow(&fleet, &lost(&fleet));
        assert_eq!(asked.len(), 4);
        assert_eq!(people(&record, &fleet), None, "nothing is known yet");
        let in_session: Vec<_> = asked.iter().take(2).collect();
        record.learn(&asked, &answer(Some(-5), &in_session));
        assert_eq!(people(&record, &fleet), Some(1));
        assert_eq!(record.follow(&fleet, &lost(&fleet)), []);
    }

    #[test]
    fn new_loss_of_the_same_agent_is_asked_again_and_the_old_one_is_forgotten() {
        let (before, after) = (fleet(&[90, 90]), fleet(&[60, 90]));
        let mut record = SessionRecord::default();
        let asked = record.follow(&before, &lost(&before));
        record.learn(&asked, &answer(Some(-5), &[]));
        assert_eq!(people(&record, &before), Some(0));
        let again = record.follow(&after, &lost(&after));
        assert_eq!(again.iter().map(|it| it.at).collect::<Vec<_>>(), [at(-60)]);
        assert_eq!(people(&record, &after), None, "0 is not proved");
        assert_eq!(record.known.len(), 1);
        record.follow(&after, &[]);
        assert!(record.known.is_empty(), "the incident is over");
    }

    #[test]
    fn losses_are_asked_about_from_thirty_seconds_to_a_day() {
        let ages = [30, 31, DAY, DAY + 1];
        let fleet = fleet(&ages);
        // At 30 s an agent is not even lost.
        let mut record = SessionRecord::default();
        let asked = record.follow(&fleet, &lost(&fleet));
        let moments: Vec<_> = asked.iter().map(|it| it.at).collect();
        assert_eq!(moments, [at(-DAY), at(-31)]);
        record.learn(&asked, &answer(Some(-5), &[]));
        assert_eq!(people(&record, &fleet), None, "two are unknown for good");
        record.learn(&asked, &answer(Some(-5), &[&asked[1]]));
        assert_eq!(people(&record, &fleet), Some(1), "one person at least");
    }

    #[test]
    fn coder_that_stores_no_reports_says_nothing() {
        for newest in [None, Some(-DAY - 1)] {
            let fleet = fleet(&[60, 60]);
            let mut record = SessionRecord::default();
            let asked = record.follow(&fleet, &lost(&fleet));
            record.learn(&asked, &answer(newest, &[]));
            assert_eq!(people(&record, &fleet), None);
            assert_eq!(
                record.follow(&fleet, &lost(&fleet)),
                [],
                "asked once all the same"
            );
        }
    }

    #[test]
    fn one_question_is_about_losses_that_are_near_in_time() {
        let loss = |at_seconds| Loss {
            agent: Uuid::nil(),
            workspace: Uuid::nil(),
            at: at(at_seconds),
        };
        assert_eq!(first_question(&[]), 0);
        assert_eq!(first_question(&[0, 1, 720, 721].map(loss)), 3);
        assert_eq!(first_question(&vec![loss(0); MOST_ASKED + 1]), MOST_ASKED);
    }

    #[test]
    fn loss_that_was_given_up_is_unknown_and_not_asked_again() {
        let fleet = fleet(&[60, 60]);
        let mut record = SessionRecord::default();
        let asked = record.follow(&fleet, &lost(&fleet));
        record.give_up(&asked);
        assert_eq!(record.follow(&fleet, &lost(&fleet)), []);
        assert_eq!(people(&record, &fleet), None);
    }

    #[test]
    fn prebuilds_and_other_families_cut_nobody_off() {
        let fleet = fleet(&[60, 60]);
        for (kind, family) in [
            (Kind::Prebuild, Family::Lost),
            (Kind::Root, Family::StuckCreated),
        ] {
            let mut other = lost(&fleet);
            (other[0].kind, other[0].family) = (kind, family);
            assert_eq!(SessionRecord::default().follow(&fleet, &other), []);
        }
    }

    #[test]
    fn so_many_and_the_oldest_first() {
        let ages: Vec<i64> = (0..MOST_LOSSES as i64 + 1).map(|it| 60 + it).collect();
        let fleet = fleet(&ages);
        let mut record = SessionRecord::default();
        let asked = record.follow(&fleet, &lost(&fleet));
        assert_eq!(asked.len(), MOST_LOSSES);
        assert_eq!(asked[0].at, at(-60 - MOST_LOSSES as i64));
        record.learn(&asked, &answer(Some(-5), &[]));
        assert_eq!(record.follow(&fleet, &lost(&fleet)), []);
    }
}
