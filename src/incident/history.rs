//! Incidents that ended lately. They are the record of what was seen, of this process alone: what an
//! incident is does not depend on it (`docs/spec/incidents.md`).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::fleet::model::agent::Kind;
use crate::fleet::model::time::Timestamp;
use crate::incident::identity::IncidentId;
use crate::incident::model::{Common, Incident};
use crate::incident::population::Family;

/// An ended incident is remembered for this long.
const KEPT: Duration = Duration::from_secs(6 * 60 * 60);

/// At most so many, the newest.
const MOST: usize = 100;

/// A collection that is older than the last one by no more than this was only slower.
const SLOWER: Duration = Duration::from_secs(60);

/// An incident that is over, at its largest.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedIncident {
    /// Its id.
    pub id: IncidentId,
    /// Whose agents.
    pub kind: Kind,
    /// Which problem.
    pub family: Family,
    /// What its agents had in common.
    pub common: Common,
    /// Since of its first agent, or else when it was first seen.
    pub start: Timestamp,
    /// Moment of the first collection without it.
    pub end: Timestamp,
    /// The most agents at a time.
    pub agents: u32,
    /// The most distinct owners at a time.
    pub owners: u32,
    /// The most owners who were in session; `None` where that was never known.
    pub owners_in_session: Option<u32>,
}

/// What is seen, and what was.
#[derive(Debug, Default)]
pub struct IncidentHistory {
    /// Those of the last collection, with their greatest numbers so far.
    present: BTreeMap<IncidentId, EndedIncident>,
    /// The newest first.
    ended: VecDeque<EndedIncident>,
    last: Option<Timestamp>,
}

impl IncidentHistory {
    /// Follows the incidents of a collection of this moment.
    pub fn follow(&mut self, now: Timestamp, incidents: &[Incident]) {
        let is_late = |last: Timestamp| last >= now && !last.is_past(now, SLOWER);
        if self.last.is_some_and(is_late) {
            return;
        }
        self.last = Some(now);
        let mut before = std::mem::take(&mut self.present);
        for incident in incidents {
            let mut seen = seen(incident, now);
            if let Some(earlier) = before.remove(&seen.id) {
                seen.grow(&earlier);
            }
            self.present.insert(seen.id, seen);
        }
        for gone in before.into_values() {
            self.ended.push_front(EndedIncident { end: now, ..gone });
        }
        self.ended.retain(|it| !now.is_past(it.end, KEPT));
        self.ended.truncate(MOST);
    }

    /// The incidents that ended within the last six hours, the newest first.
    pub fn ended(&self) -> impl Iterator<Item = &EndedIncident> {
        self.ended.iter()
    }
}

fn seen(incident: &Incident, now: Timestamp) -> EndedIncident {
    EndedIncident {
        id: incident.id(),
        kind: incident.kind,
        family: incident.family,
        common: incident.common.clone(),
        start: incident.first.unwrap_or(now),
        end: now,
        agents: incident.members.len() as u32,
        owners: incident.owners,
        owners_in_session: incident.owners_in_session,
    }
}

impl EndedIncident {
    /// Takes over what was greater, or earlier, before.
    fn grow(&mut self, earlier: &Self) {
        self.start = self.start.min(earlier.start);
        self.agents = self.agents.max(earlier.agents);
        self.owners = self.owners.max(earlier.owners);
        self.owners_in_session = self.owners_in_session.max(earlier.owners_in_session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;
    use crate::incident::advice::tests::{every_common, incident};

    fn one(agents: u32, in_session: Option<u32>) -> Incident {
        Incident {
            members: (0..agents).collect(),
            owners: agents,
            owners_in_session: in_session,
            first: Some(at(10 * i64::from(agents))),
            ..incident(Kind::Root, Family::Lost, Common::Deployment)
        }
    }

    fn ended(history: &IncidentHistory) -> Vec<EndedIncident> {
        history.ended().cloned().collect()
    }

    #[test]
    fn what_ended_is_kept_at_its_largest_from_its_first_agent_on() {
        let mut history = IncidentHistory::default();
        history.follow(at(100), &[one(3, None)]);
        history.follow(at(130), &[one(8, Some(5))]);
        history.follow(at(160), &[one(2, None)]);
        assert_eq!(ended(&history), []);
        history.follow(at(190), &[]);
        let found = ended(&history);
        let numbers = |it: &EndedIncident| (it.start, it.end, it.agents, it.owners_in_session);
        let all: Vec<_> = found.iter().map(numbers).collect();
        assert_eq!(all, [(at(20), at(190), 8, Some(5))]);
    }

    #[test]
    fn it_is_forgotten_after_six_hours() {
        let hours = 6 * 60 * 60;
        let mut history = IncidentHistory::default();
        history.follow(at(0), &[one(3, None)]);
        history.follow(at(30), &[]);
        history.follow(at(30 + hours), &[]);
        assert_eq!(ended(&history).len(), 1);
        history.follow(at(31 + hours), &[]);
        assert_eq!(ended(&history), []);
    }

    #[test]
    fn collection_that_was_slower_ends_nothing_and_a_clock_set_back_does_not_stop_it() {
        let mut history = IncidentHistory::default();
        history.follow(at(100), &[one(3, None)]);
        history.follow(at(40), &[]);
        history.follow(at(100), &[]);
        assert_eq!(ended(&history), []);
        history.follow(at(39), &[]);
        assert_eq!(ended(&history).len(), 1);
    }

    #[test]
    fn the_newest_hundred_are_kept() {
        let mut history = IncidentHistory::default();
        let commons = every_common();
        for number in 0..300 {
            let common = commons[number as usize % commons.len()].clone();
            history.follow(
                at(2 * number),
                &[incident(Kind::Root, Family::Lost, common)],
            );
            history.follow(at(2 * number + 1), &[]);
        }
        let found = ended(&history);
        assert_eq!((found.len(), found[0].end), (MOST, at(599)));
    }
}
