//! The size of a page: `--metrics.max-page-bytes`.
//!
//! A family of single agents or apps grows with what users and templates make. When the page would
//! be larger than its limit, these families are cut, and never the counts: Coder's own families
//! first, then those of all agents, then those of agents with a problem. A page is measured as text
//! 0.0.4 without compression, so that all formats carry the same series.

use std::fmt;
use std::sync::OnceLock;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::histogram::Histogram;

use super::catalogue::families;
use super::family::{Family, Part, Sink, Value};
use super::page::{AgentSeries, Page};
use super::{agents, coderd, incidents, replicas};

/// Writes every sample of a family.
pub(super) type Write = fn(&Page, &mut dyn Sink) -> fmt::Result;

/// Left free for the live part of the page, whose size does not follow the fleet: some 30 KB with a
/// probe.
pub(super) const LIVE_BYTES: usize = 64 << 10;

/// A number, and what stands around it in a line.
const NUMBER_BYTES: usize = 24;

/// More than the lines that organization and template of one name ever give in families that count.
const LINES_OF_SCOPE: usize = 400;

/// More than the lines of agent-seconds that one organization, template and kind gives.
const LINES_OF_SECONDS: usize = 10;

/// More than the lines of one distribution of start-up durations.
const LINES_OF_STARTUP: usize = 12;

/// More than a line has besides its label values: the names of family and labels, ids, a number.
const FRAME_BYTES: usize = 400;

/// What the limits left out of a page; worked out once, when the first family asks. It looks at
/// every agent, and depends on nothing that is live.
#[derive(Debug, Default)]
pub struct Budget {
    cuts: OnceLock<Vec<Cut>>,
    dropped: OnceLock<Vec<(&'static str, u64)>>,
}

/// A family of which a part did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The family's name.
    pub metric: &'static str,
    /// Series that fit.
    pub written: usize,
    /// Series that did not.
    pub dropped: u64,
}

impl Page {
    /// The families of which a part does not fit into the page.
    pub fn cuts(&self) -> &[Cut] {
        self.budget.cuts.get_or_init(|| cuts(self))
    }

    /// Families that a limit may cut, and how many series, replicas or incidents it left out.
    pub fn dropped(&self) -> &[(&'static str, u64)] {
        self.budget.dropped.get_or_init(|| {
            let of_agents = agents::dropped(self).chain(coderd::dropped(self));
            let others = replicas::dropped(self).chain(incidents::dropped(self));
            of_agents.chain(others).collect()
        })
    }

    /// How many series of a family do not fit into the page.
    pub(super) fn cut_from(&self, metric: &str) -> u64 {
        let mut cuts = self.cuts().iter();
        cuts.find(|it| it.metric == metric)
            .map_or(0, |it| it.dropped)
    }
}

/// Writes as many samples of a family as the page has room for.
pub(super) fn within(page: &Page, metric: &str, write: Write, sink: &mut dyn Sink) -> fmt::Result {
    match page.cuts().iter().find(|it| it.metric == metric) {
        Some(cut) => {
            let left = cut.written;
            write(page, &mut First { sink, left })
        }
        None => write(page, sink),
    }
}

fn cuts(page: &Page) -> Vec<Cut> {
    let limit = page.detail.max_page_bytes;
    if page
        .fleet()
        .is_none_or(|fleet| upper_bound(page, fleet) <= limit)
    {
        return Vec::new();
    }
    let is_growing = |family: &Family| growing().any(|it| it.0 == family.name);
    let mut left = limit.saturating_sub(LIVE_BYTES);
    for family in families() {
        if family.part() == Part::Kept && !is_growing(family) {
            let meter = measured(page, family, family.samples, usize::MAX);
            left = left.saturating_sub(meter.bytes);
        }
    }
    let mut cuts = Vec::new();
    for (metric, write) in growing() {
        let Some(family) = families().find(|it| it.name == metric) else {
            continue;
        };
        let meter = measured(page, family, write, left);
        left -= meter.bytes;
        if meter.dropped > 0 {
            // Whatever comes later is worth less.
            left = 0;
            let Meter {
                written, dropped, ..
            } = meter;
            cuts.push(Cut {
                metric,
                written,
                dropped,
            });
        }
    }
    cuts
}

/// Families that can grow, the ones that are kept longest first.
fn growing() -> impl Iterator<Item = (&'static str, Write)> {
    agents::GROWING.iter().chain(coderd::GROWING).copied()
}

/// A size that the page does not exceed, found without writing it: at most twice its size, and for
/// most fleets far from the limit.
fn upper_bound(page: &Page, fleet: &FleetStats) -> usize {
    let text = |scope: &Scope| FRAME_BYTES + 2 * (scope.organization.len() + scope.template.len());
    let now = fleet.snapshot.scopes.iter();
    let scopes = now.chain(page.transitions.keys());
    let counts: usize = scopes.map(|it| LINES_OF_SCOPE * text(it)).sum();
    let agent_text = |agent: &Agent| {
        let shared = [
            &agent.name,
            &agent.owner,
            &agent.version,
            &agent.template_version,
        ];
        let names = shared.map(|it| it.len()).iter().sum::<usize>() + agent.workspace.len();
        fleet.snapshot.scopes.get(agent.scope).map_or(0, text) + 2 * names
    };
    let detail = page.detail;
    let level = &page.service_level;
    let seconds = level.seconds().map(|(it, ..)| LINES_OF_SECONDS * text(it));
    let startups = level
        .startups()
        .map(|(it, _)| LINES_OF_STARTUP * text(&it.scope));
    let mut bytes = LIVE_BYTES + counts + seconds.chain(startups).sum::<usize>();
    if detail.agent_series != AgentSeries::None {
        let shown = fleet.problems().take(detail.max_agent_series);
        bytes += shown.map(|it| agent_text(it.agent)).sum::<usize>();
    }
    let agents: &[Agent] = fleet.snapshot.agents.as_deref().unwrap_or_default();
    if detail.agent_series == AgentSeries::All || detail.coderd_compat {
        // Two families of each sort.
        bytes += 4 * agents.iter().map(agent_text).sum::<usize>();
    }
    if detail.coderd_compat {
        let apps = fleet.snapshot.named_apps.iter().flatten();
        let apps = apps.map(|app| agents.get(app.agent).map_or(0, agent_text) + 2 * app.name.len());
        bytes += apps.sum::<usize>();
    }
    bytes
}

fn measured(page: &Page, family: &Family, write: Write, room: usize) -> Meter {
    let names: usize = family
        .labels
        .iter()
        .map(|it| it.len() + "=\"\",".len())
        .sum();
    let mut meter = Meter {
        frame: family.name.len() + names + NUMBER_BYTES,
        room,
        bytes: 0,
        written: 0,
        dropped: 0,
    };
    // It takes what it is given: there is no text that could not grow.
    let _ = write(page, &mut meter);
    meter
}

/// Counts what samples take as text, as far as there is room.
struct Meter {
    frame: usize,
    room: usize,
    bytes: usize,
    written: usize,
    dropped: u64,
}

impl Meter {
    fn lines(&mut self, label_values: &[&str], lines: usize) {
        let values: usize = label_values.iter().map(|it| escaped_bytes(it)).sum();
        let bytes = self.bytes + lines * (self.frame + values);
        if self.dropped == 0 && bytes <= self.room {
            self.bytes = bytes;
            self.written += 1;
        } else {
            self.dropped += 1;
        }
    }
}

impl Sink for Meter {
    fn sample(&mut self, label_values: &[&str], _: Value) -> fmt::Result {
        self.lines(label_values, 1);
        Ok(())
    }

    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result {
        // Sum and count, and a bound of some digits in each line.
        self.lines(label_values, histogram.buckets().count() + 3);
        Ok(())
    }
}

/// The length of a label value as text.
fn escaped_bytes(value: &str) -> usize {
    let special = value
        .bytes()
        .filter(|it| matches!(it, b'\\' | b'"' | b'\n'));
    value.len() + special.count()
}

/// Passes the first samples on, and no other.
struct First<'a> {
    sink: &'a mut dyn Sink,
    left: usize,
}

impl First<'_> {
    fn has_room(&mut self) -> bool {
        let has_room = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_room
    }
}

impl Sink for First<'_> {
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result {
        match self.has_room() {
            true => self.sink.sample(label_values, value),
            false => Ok(()),
        }
    }

    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result {
        match self.has_room() {
            true => self.sink.histogram(label_values, histogram),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
