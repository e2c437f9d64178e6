//! Agents by health, for each template and in total.

use std::collections::BTreeMap;

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::{CountByLabel, Variants};
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;

/// Number of agents by health class, with every class.
pub type ByHealth = BTreeMap<Health, u64>;

/// Agents of each template by health, of every kind together, in the order of the names;
/// nothing when agents are unknown.
pub fn by_template(fleet: &FleetStats) -> BTreeMap<&Scope, ByHealth> {
    let mut rows: BTreeMap<&Scope, ByHealth> = BTreeMap::new();
    for ((scope, _), agent_counts) in fleet.agents.iter().flatten() {
        let row = rows.entry(scope).or_default();
        for (health, count) in known(&agent_counts.health) {
            *row.entry(health).or_default() += count;
        }
    }
    rows
}

/// The sums over all templates, with every class.
pub fn total(rows: &BTreeMap<&Scope, ByHealth>) -> ByHealth {
    let mut total: ByHealth = Health::ALL.iter().map(|&it| (it, 0)).collect();
    for (health, count) in rows.values().flatten() {
        *total.entry(*health).or_default() += count;
    }
    total
}

/// The number of agents with a problem.
pub fn problems_in(row: &ByHealth) -> u64 {
    let problems = row.iter().filter(|(health, _)| health.is_problem());
    problems.map(|(_, count)| count).sum()
}

/// The counts without unknown values, which a health class never has.
fn known(counts: &CountByLabel<Health>) -> impl Iterator<Item = (Health, u64)> {
    let counts = counts.iter().map(|(_, count)| count);
    Health::ALL.iter().copied().zip(counts)
}
