//! The fleet at a glance: agents by health, of each template and of all.

use std::collections::BTreeMap;

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::{CountByLabel, Variants};
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;

/// Agents by health class, every class.
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

/// All of them together, every class.
pub fn total(rows: &BTreeMap<&Scope, ByHealth>) -> ByHealth {
    let mut total: ByHealth = Health::ALL.iter().map(|&it| (it, 0)).collect();
    for (health, count) in rows.values().flatten() {
        *total.entry(*health).or_default() += count;
    }
    total
}

/// How many of them need attention.
pub fn problems_in(row: &ByHealth) -> u64 {
    let problems = row.iter().filter(|(health, _)| health.is_problem());
    problems.map(|(_, count)| count).sum()
}

/// Health has no value that this program does not know.
fn known(counts: &CountByLabel<Health>) -> impl Iterator<Item = (Health, u64)> {
    let counts = counts.iter().map(|(_, count)| count);
    Health::ALL.iter().copied().zip(counts)
}
