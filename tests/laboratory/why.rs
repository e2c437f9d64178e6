//! One fleet of the laboratory: what was put into it, and what the analysis says of it.

use std::collections::BTreeSet;

use crate::fleet::model::agent::Label;
use crate::incident::analysis::analyze;
use crate::incident::model::{Common, Incident, IncidentSettings};
use crate::incident::population::Dimension;

use super::causes::{Case, Cause, now};

/// Prints the fleet with this number.
pub(crate) fn print(seed: u64, largest: f64) {
    match Case::of_seed(seed, largest) {
        Some((cause, case)) => case.print(seed, cause),
        None => println!("{seed}: no fleet has values that suit"),
    }
}

impl Case {
    fn print(&self, seed: u64, cause: Cause) {
        let population = &self.fleet.population;
        println!("{seed}: {cause:?}, {} agents", population.size);
        for cause in 0..self.causes() {
            let reach = &self.reach[cause];
            let hit = reach.iter().filter(|it| self.is_hit(**it)).count();
            println!(
                "  put in: {:?}, hit {hit} of {}",
                self.names(cause),
                reach.len()
            );
        }
        if !self.is_clear() {
            println!("  the rows do not tell");
        }
        let settings = IncidentSettings::default();
        for incident in analyze(population, settings, self.coder_down, now()) {
            self.print_answer(&incident);
        }
    }

    fn print_answer(&self, it: &Incident) {
        let is_right = (0..self.causes()).any(|cause| self.is_right(&it.common, cause));
        let other = it.runners_up.iter();
        let others: Vec<String> = other
            .map(|(dimension, name, score)| format!("{} {score:.1}", value(dimension, name)))
            .collect();
        println!(
            "  {}: {} {}, hit {} of {}, {:.1} bits; also {:?}; runners-up {others:?}",
            if is_right { "right" } else { "said" },
            it.common.factor(),
            it.common.value(),
            it.members.len(),
            it.expected,
            it.score,
            it.also
                .iter()
                .map(|it| value(&it.0, &it.1))
                .collect::<Vec<_>>(),
        );
    }

    /// The values that have exactly these agents.
    fn names(&self, cause: usize) -> Vec<String> {
        let mut names = Vec::new();
        for (position, column) in self.fleet.population.columns.iter().enumerate() {
            for (code, name) in (0_u32..).zip(&column.names) {
                let members: BTreeSet<u32> = self.fleet.with(position, code).into_iter().collect();
                if members == self.reach[cause] {
                    names.push(format!("{} {name}", column.dimension.name()));
                }
            }
        }
        names
    }
}

fn value(dimension: &Dimension, name: &Label) -> String {
    let it = Common::Value(dimension.clone(), name.clone());
    format!("{} {}", it.factor(), it.value())
}
