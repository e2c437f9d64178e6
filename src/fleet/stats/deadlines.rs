//! How the autostop deadlines of workspaces moved between two readings.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::model::time::Timestamp;
use crate::fleet::model::usage::{DeadlineReading, Usage};

/// So many workspaces are remembered, those that were read last.
const REMEMBERED: usize = 1000;

/// The deadlines that were read before, of the workspaces that were looked at.
///
/// A deadline is compared with the last reading that was different, and where there was none with
/// the first one: so a page that is read every few seconds still says how it moved.
#[derive(Debug, Default)]
pub struct Deadlines {
    workspaces: HashMap<Uuid, Known>,
}

#[derive(Debug)]
struct Known {
    build: Option<i32>,
    deadline: Timestamp,
    read_at: Timestamp,
    compared: DeadlineReading,
}

impl Deadlines {
    /// Takes note of the deadline that was read at `now`, and completes `usage` by the reading that it
    /// is to be compared with.
    pub fn compare(&mut self, workspace: Uuid, usage: &mut Usage, now: Timestamp) {
        let Some(deadline) = usage.deadline else {
            self.workspaces.remove(&workspace);
            return;
        };
        let reading = DeadlineReading { at: now, deadline };
        let known = self.workspaces.get(&workspace);
        // A build begins with a deadline of its own. After a failover time may have gone back.
        let known = known.filter(|it| it.build == usage.build_number && it.read_at <= now);
        let compared = match known {
            None => reading,
            Some(known) if known.deadline == deadline => known.compared,
            Some(known) => DeadlineReading {
                at: known.read_at,
                deadline: known.deadline,
            },
        };
        usage.compared = (compared.at != now).then_some(compared);
        self.make_room(workspace);
        let known = Known {
            build: usage.build_number,
            deadline,
            read_at: now,
            compared,
        };
        self.workspaces.insert(workspace, known);
    }

    fn make_room(&mut self, workspace: Uuid) {
        if self.workspaces.len() < REMEMBERED || self.workspaces.contains_key(&workspace) {
            return;
        }
        let oldest = self.workspaces.iter().min_by_key(|(_, it)| it.read_at);
        if let Some(oldest) = oldest.map(|(id, _)| *id) {
            self.workspaces.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;

    /// The reading that this one is compared with, as its moment and deadline.
    fn read(
        deadlines: &mut Deadlines,
        build: i32,
        now: i64,
        deadline: Option<i64>,
    ) -> Option<(Timestamp, Timestamp)> {
        let mut usage = Usage {
            newest_report: None,
            reports: Vec::new(),
            last_used_at: None,
            build_number: Some(build),
            deadline: deadline.map(at),
            compared: None,
        };
        deadlines.compare(Uuid::from_u128(1), &mut usage, at(now));
        usage.compared.map(|it| (it.at, it.deadline))
    }

    #[test]
    fn deadline_is_compared_with_the_last_that_was_different_else_with_the_first() {
        let mut deadlines = Deadlines::default();
        let with = |now, deadline| Some((at(now), at(deadline)));
        assert_eq!(read(&mut deadlines, 1, 0, Some(3600)), None);
        assert_eq!(read(&mut deadlines, 1, 0, Some(3600)), None, "the same one");
        assert_eq!(read(&mut deadlines, 1, 10, Some(3600)), with(0, 3600));
        assert_eq!(read(&mut deadlines, 1, 70, Some(3660)), with(10, 3600));
        assert_eq!(read(&mut deadlines, 1, 80, Some(3660)), with(10, 3600));
        assert_eq!(read(&mut deadlines, 1, 90, Some(3000)), with(80, 3660));
    }

    #[test]
    fn nothing_is_compared_across_builds_without_a_deadline_or_back_in_time() {
        let mut deadlines = Deadlines::default();
        read(&mut deadlines, 1, 0, Some(3600));
        assert_eq!(read(&mut deadlines, 2, 10, Some(7200)), None);
        assert_eq!(read(&mut deadlines, 2, 20, None), None);
        assert_eq!(read(&mut deadlines, 2, 30, Some(7200)), None);
        assert_eq!(read(&mut deadlines, 2, 29, Some(7000)), None);
    }

    #[test]
    fn those_read_longest_ago_are_forgotten() {
        let mut deadlines = Deadlines::default();
        read(&mut deadlines, 1, 0, Some(3600));
        for number in 2..=REMEMBERED as u128 + 1 {
            let mut usage = Usage {
                newest_report: None,
                reports: Vec::new(),
                last_used_at: None,
                build_number: Some(1),
                deadline: Some(at(3600)),
                compared: None,
            };
            deadlines.compare(Uuid::from_u128(number), &mut usage, at(1));
        }
        assert_eq!(deadlines.workspaces.len(), REMEMBERED);
        assert!(!deadlines.workspaces.contains_key(&Uuid::from_u128(1)));
    }
}
