//! From a population to its incidents: wave by wave, and then what is left.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::fleet::model::time::Timestamp;
use crate::incident::candidates::{MAJORITY, Question};
use crate::incident::criterion::Group;
use crate::incident::index::Index;
use crate::incident::model::{CoderDown, Common, GROWING, Incident, IncidentSettings};
use crate::incident::population::{Dimension, Family, Population, Problem, Value};
use crate::incident::search::{Explanation, Factor, explain};

/// Agents that were lost this long before Coder's last sign of life may have gone with it: a
/// heartbeat is up to 30 s old when it is missed, and coderd takes some seconds to notice.
const BEFORE_CODER: Duration = Duration::from_secs(45);

/// Waves that are explained by themselves, the newest first; the rest is one set.
const MOST_WAVES: usize = 12;

/// A fleet of fewer expected agents than this is small: two agents make an incident.
const SMALL_FLEET: u32 = 10;

/// Members, and share of the expected ones, of a wave without a factor.
const UNEXPLAINED: (usize, f64) = (5, 0.01);

/// A wave without a factor is not longer than this.
const UNEXPLAINED_WITHIN: Duration = Duration::from_secs(600);

/// A value must shorten the description by log2 of the number of members, and by so many bits more:
/// the larger a fleet, the more unrelated problems it has, and it is looked at thousands of times a
/// day. In a wave, problems that begin together are evidence of a common cause already.
const WAVE_SCORE: f64 = -3.5;

/// The same, for problems that began at any time.
const SLOW_SCORE: f64 = 1.0;

/// Less is never enough, however small the fleet.
const LEAST_SCORE: f64 = 0.5;

/// The incidents of a population at the moment `now`, largest first, and those without a factor last.
pub fn analyze(
    population: &Population,
    settings: IncidentSettings,
    coder_down: Option<CoderDown>,
    now: Timestamp,
) -> Vec<Incident> {
    Analysis::new(population, now).run(settings, coder_down)
}

/// Positions of members with their since, in the order of since.
type Wave = Vec<(Timestamp, u32)>;

struct Analysis<'a> {
    population: &'a Population,
    index: Index,
    now: Timestamp,
    minimum: u32,
    found: BTreeMap<(Family, Common), Incident>,
    explained: FxHashSet<u32>,
}

impl<'a> Analysis<'a> {
    fn new(population: &'a Population, now: Timestamp) -> Self {
        let is_small = population.size < SMALL_FLEET;
        Self {
            population,
            index: Index::of(population),
            now,
            minimum: if is_small { 2 } else { 3 },
            found: BTreeMap::new(),
            explained: FxHashSet::default(),
        }
    }

    fn is_small(&self) -> bool {
        self.population.size < SMALL_FLEET
    }

    fn run(mut self, settings: IncidentSettings, coder_down: Option<CoderDown>) -> Vec<Incident> {
        let mut problems: BTreeMap<Family, Wave> = BTreeMap::new();
        for it in &self.population.problems {
            let wave = problems.entry(it.family).or_default();
            wave.push((it.since, it.member));
        }
        if let Some(down) = coder_down {
            self.blame_coder(down, problems.get(&Family::Lost));
        }
        for (family, mut wave) in problems {
            wave.retain(|(_, member)| !self.explained.contains(member));
            wave.sort_unstable();
            for wave in waves(&wave, settings.gap)
                .into_iter()
                .rev()
                .take(MOST_WAVES)
            {
                if wave.len() >= self.minimum as usize {
                    self.explain_wave(family, wave);
                }
            }
            wave.retain(|(_, member)| !self.explained.contains(member));
            self.explain_rest(family, &wave);
        }
        let mut incidents: Vec<Incident> = self.found.into_values().collect();
        let last = |it: &Incident| it.common == Common::None;
        incidents.sort_by(|a, b| {
            let size = b.members.len().cmp(&a.members.len());
            last(a)
                .cmp(&last(b))
                .then(size)
                .then_with(|| a.common.cmp(&b.common))
        });
        incidents
    }

    fn blame_coder(&mut self, down: CoderDown, lost: Option<&Wave>) {
        let lost = lost.map(Vec::as_slice).unwrap_or_default();
        let gone = lost
            .iter()
            .filter(|(since, _)| since.after(BEFORE_CODER) > down.since);
        let members: Vec<u32> = gone.map(|&(_, member)| member).collect();
        let expected = self.population.size;
        let mut incident = self.incident(Family::Lost, Common::Coder, members, expected);
        incident.first = Some(down.since);
        self.add(incident);
    }

    /// One wave: agents of older problems were gone already when it came.
    fn explain_wave(&mut self, family: Family, wave: &[(Timestamp, u32)]) {
        let began = wave.first().map(|it| it.0);
        let was_gone = |it: &&Problem| Some(it.since) < began;
        let gone = self.population.problems.iter().filter(was_gone);
        let excluded: Vec<u32> = gone.map(|it| it.member).collect();
        let left = self.population.size as usize - excluded.len();
        let share = wave.len() as f64 / left.max(1) as f64;
        let is_burst = wave.len() >= UNEXPLAINED.0 && share >= UNEXPLAINED.1;
        let is_caused = is_burst || share >= MAJORITY;
        let explanation = self.explain(wave, &excluded, is_caused);
        let (rest, hit) = self.add_factors(family, explanation, WAVE_SCORE);
        self.judge_rest(family, rest, hit, true);
    }

    /// What no wave explained, as one set: a bad template version shows over hours.
    fn explain_rest(&mut self, family: Family, left: &[(Timestamp, u32)]) {
        if left.len() < self.minimum as usize {
            return;
        }
        let mut excluded: Vec<u32> = self.explained.iter().copied().collect();
        excluded.sort_unstable();
        let explanation = self.explain(left, &excluded, false);
        let (rest, hit) = self.add_factors(family, explanation, SLOW_SCORE);
        self.judge_rest(family, rest, hit, false);
    }

    fn explain(&self, set: &[(Timestamp, u32)], excluded: &[u32], is_caused: bool) -> Explanation {
        let mut set: Vec<u32> = set.iter().map(|&(_, member)| member).collect();
        set.sort_unstable();
        explain(Question {
            population: self.population,
            index: &self.index,
            set: &set,
            excluded,
            minimum: self.minimum,
            is_caused,
        })
    }

    /// Adds the factors with enough evidence. Returns the rest and its members in the set, with those
    /// of the other factors.
    fn add_factors(
        &mut self,
        family: Family,
        explanation: Explanation,
        least: f64,
    ) -> (Group, Vec<u32>) {
        let least = (least + f64::from(self.population.size).log2()).max(LEAST_SCORE);
        let (mut rest, mut hit) = (explanation.rest, explanation.rest_hit);
        for factor in &explanation.factors {
            let is_exact = self.is_small() && factor.group.hit == factor.group.members;
            if (is_exact || factor.score >= least) && self.is_enough(factor) {
                self.add(self.incident_of(family, factor));
            } else {
                rest = rest.with(factor.group);
                hit.extend(&factor.hit);
            }
        }
        (rest, hit)
    }

    /// At least so many agents in two workspaces; an owner's may be in one.
    fn is_enough(&self, factor: &Factor) -> bool {
        let (dimension, _) = self.population.describe(factor.value);
        let workspaces = self.workspaces(&factor.hit);
        let is_wide = workspaces >= 2 || *dimension == Dimension::Owner;
        factor.hit.len() >= self.minimum as usize && is_wide
    }

    /// Agents that no factor explains: the whole deployment, a wave without a factor, or single
    /// problems.
    fn judge_rest(&mut self, family: Family, rest: Group, mut hit: Vec<u32>, is_wave: bool) {
        hit.sort_unstable();
        let is_wide = self.workspaces(&hit) >= 2;
        if hit.len() < self.minimum as usize || !is_wide {
            return;
        }
        let is_most = 2 * rest.members >= self.population.size;
        let common = if rest.rate() >= MAJORITY && is_most {
            Common::Deployment
        } else if is_wave && self.is_burst(rest, &hit) {
            Common::None
        } else {
            return;
        };
        self.add(self.incident(family, common, hit, rest.members));
    }

    fn is_burst(&self, rest: Group, hit: &[u32]) -> bool {
        let share = hit.len() as f64 / f64::from(rest.members.max(1));
        let (first, last) = self.ends(hit);
        let is_short = match (first, last) {
            (Some(first), Some(last)) => !last.is_past(first, UNEXPLAINED_WITHIN),
            _ => false,
        };
        hit.len() >= UNEXPLAINED.0 && share >= UNEXPLAINED.1 && is_short
    }

    fn incident_of(&self, family: Family, factor: &Factor) -> Incident {
        let named = |value: Value| {
            let (dimension, name) = self.population.describe(value);
            (dimension.clone(), name.clone())
        };
        let (dimension, name) = named(factor.value);
        let common = Common::Value(dimension, name);
        let runners_up = factor.runners_up.iter().map(|&(value, score)| {
            let (dimension, name) = named(value);
            (dimension, name, score)
        });
        Incident {
            also: factor.also.iter().map(|&it| named(it)).collect(),
            runners_up: runners_up.collect(),
            score: factor.score,
            ..self.incident(family, common, factor.hit.clone(), factor.group.members)
        }
    }

    fn incident(
        &self,
        family: Family,
        common: Common,
        members: Vec<u32>,
        expected: u32,
    ) -> Incident {
        let (first, last) = self.ends(&members);
        Incident {
            kind: self.population.kind,
            family,
            common,
            also: Vec::new(),
            runners_up: Vec::new(),
            score: 0.0,
            expected,
            workspaces: self.workspaces(&members),
            owners: self.owners(&members),
            owners_in_session: None,
            first,
            last,
            is_growing: last.is_some_and(|it| !self.now.is_past(it, GROWING)),
            members,
        }
    }

    /// Adds an incident, or its members to one of the same name from another wave.
    fn add(&mut self, incident: Incident) {
        self.explained.extend(&incident.members);
        let name = (incident.family, incident.common.clone());
        let merged = match self.found.remove(&name) {
            None => incident,
            Some(earlier) => self.merge(earlier, incident),
        };
        self.found.insert(name, merged);
    }

    fn merge(&self, a: Incident, b: Incident) -> Incident {
        let mut members = [a.members.as_slice(), &b.members].concat();
        members.sort_unstable();
        members.dedup();
        // Those of the other wave were left out of the count of one of the two.
        let expected = a.expected.max(b.expected).max(members.len() as u32);
        let whole = self.incident(a.family, a.common.clone(), members, expected);
        let stronger = if a.score >= b.score { a } else { b };
        Incident {
            also: stronger.also,
            runners_up: stronger.runners_up,
            score: stronger.score,
            ..whole
        }
    }

    fn ends(&self, members: &[u32]) -> (Option<Timestamp>, Option<Timestamp>) {
        let problems = members.iter().filter_map(|&it| self.population.problem(it));
        let since = problems.map(|it| it.since);
        (since.clone().min(), since.max())
    }

    fn workspaces(&self, members: &[u32]) -> u32 {
        let problems = members.iter().filter_map(|&it| self.population.problem(it));
        distinct(problems.map(|it| it.workspace))
    }

    fn owners(&self, members: &[u32]) -> u32 {
        let owners = self.population.column(&Dimension::Owner);
        owners.map_or(0, |owners| {
            distinct(members.iter().map(|&it| owners.code_of(it)))
        })
    }
}

fn distinct<T: Eq + Hash>(values: impl Iterator<Item = T>) -> u32 {
    values.collect::<FxHashSet<T>>().len() as u32
}

/// Splits problems in the order of since where `gap` passed without a new one.
fn waves(problems: &[(Timestamp, u32)], gap: Duration) -> Vec<&[(Timestamp, u32)]> {
    problems
        .chunk_by(|earlier, later| !later.0.is_past(earlier.0, gap))
        .collect()
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
