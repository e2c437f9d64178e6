//! Which answers are right, and which causes the rows can tell from others.

use std::collections::BTreeSet;

use crate::incident::model::Common;

use super::causes::Case;

impl Case {
    /// How many causes were put into it.
    pub(crate) fn causes(&self) -> usize {
        self.reach.len()
    }

    /// Whether this names the agents that a cause can reach: by its value, or by one that has the
    /// same members among those that were not gone when it came.
    pub(crate) fn is_right(&self, common: &Common, cause: usize) -> bool {
        if *common == Common::Coder {
            return self.coder_down.is_some();
        }
        let (Some(named), Some(reach)) = (self.named(common), self.reach.get(cause)) else {
            return false;
        };
        let of = |members: &BTreeSet<u32>| members.difference(&self.gone).copied().collect();
        let (named, reach): (BTreeSet<u32>, BTreeSet<u32>) = (of(&named), of(reach));
        self.coder_down.is_none() && named == reach
    }

    /// The members that this names.
    fn named(&self, common: &Common) -> Option<BTreeSet<u32>> {
        match common {
            Common::Coder | Common::None => None,
            Common::Deployment => Some(self.all()),
            Common::Value(dimension, name) => {
                let columns = &self.fleet.population.columns;
                let column = columns.iter().position(|it| it.dimension == *dimension)?;
                let code = columns[column].names.iter().position(|it| it == name)?;
                Some(self.fleet.with(column, code as u32).into_iter().collect())
            }
        }
    }

    fn all(&self) -> BTreeSet<u32> {
        (0..self.fleet.population.size).collect()
    }

    /// Whether the rows tell its causes from others. They do not where another value has all the
    /// agents with a problem that one of them has, or that all have together, and no more agents
    /// without one: it fits the rows as well or better.
    pub(crate) fn is_clear(&self) -> bool {
        let together: BTreeSet<u32> = self.reach.iter().flatten().copied().collect();
        let values = self.values();
        let fits = |other: &BTreeSet<u32>, cause: &BTreeSet<u32>| {
            let hit = |it: &&u32| self.is_hit(**it);
            let has_all = cause.iter().filter(hit).all(|it| other.contains(it));
            has_all && self.spared(other) <= self.spared(cause)
        };
        let is_alike = |a: &BTreeSet<u32>, b: &BTreeSet<u32>| {
            a.difference(&self.gone).eq(b.difference(&self.gone))
        };
        let is_clear = |cause: &BTreeSet<u32>| {
            let mut others = values.iter().filter(|it| !is_alike(it, cause));
            !others.any(|it| fits(it, cause))
        };
        let is_one = self.reach.len() > 1 && values.iter().any(|it| fits(it, &together));
        self.reach.iter().all(is_clear) && !is_one
    }

    /// The members of each value, and all.
    fn values(&self) -> Vec<BTreeSet<u32>> {
        let columns = &self.fleet.population.columns;
        let mut values = vec![self.all()];
        for column in columns {
            let mut of_column = vec![BTreeSet::new(); column.names.len()];
            for (member, code) in (0_u32..).zip(column.codes()) {
                if let Some(members) = of_column.get_mut(code as usize) {
                    members.insert(member);
                }
            }
            values.extend(of_column);
        }
        values
    }

    /// Whether it has a problem that began with the cause or later.
    pub(crate) fn is_hit(&self, member: u32) -> bool {
        let problem = self.fleet.population.problem(member);
        problem.is_some() && !self.gone.contains(&member)
    }

    /// How many of these have no problem.
    fn spared(&self, members: &BTreeSet<u32>) -> usize {
        let members = members.difference(&self.gone);
        members.filter(|it| !self.is_hit(**it)).count()
    }
}
