//! What a contestant counted, in one form for all of them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};

/// What is counted by organization and template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Status,
    Lifecycle,
    Apps,
}

impl Family {
    fn of(name: &str) -> Option<Self> {
        match name {
            "status" => Some(Self::Status),
            "lifecycle" => Some(Self::Lifecycle),
            "apps" => Some(Self::Apps),
            _ => None,
        }
    }
}

/// Family, organization, template, and the status or lifecycle state.
type Key = (Family, String, String, String);

/// Counts that are not zero: whether a zero is shown is a matter of taste.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    counts: BTreeMap<Key, u64>,
}

impl Answer {
    /// Apps are compared by template alone: the exporter says `unknown` of those whose agent is not
    /// connected, where the others say what was last heard.
    pub(crate) fn add(&mut self, mut key: Key, count: u64) {
        if key.0 == Family::Apps {
            key.3.clear();
        }
        if count > 0 {
            *self.counts.entry(key).or_default() += count;
        }
    }

    /// Of rows with the columns family, organization, template, value and count.
    pub(crate) fn of_rows(rows: &[String]) -> Result<Self> {
        let mut answer = Self::default();
        for row in rows {
            let doing = || format!("read the row {row:?}");
            let columns: Vec<&str> = row.split('\t').collect();
            let [family, organization, template, value, count] = columns[..] else {
                anyhow::bail!("a row of {} columns: {row:?}", columns.len());
            };
            let family = Family::of(family).with_context(doing)?;
            let count = count.parse().with_context(doing)?;
            let names = [organization, template, value].map(str::to_owned);
            let [organization, template, value] = names;
            answer.add((family, organization, template, value), count);
        }
        Ok(answer)
    }

    /// Of a page of our own.
    pub(crate) fn of_our_page(page: &str) -> Self {
        let mut answer = Self::default();
        for sample in samples(page) {
            let (family, label) = match sample.name {
                "coder_agents" => (Family::Status, "status"),
                "coder_agents_lifecycle" => (Family::Lifecycle, "lifecycle_state"),
                "coder_apps" => (Family::Apps, "health"),
                _ => continue,
            };
            answer.add_sample(
                family,
                &sample,
                ["organization_name", "template_name", label],
            );
        }
        answer
    }

    /// Of a page of an exporter that serves what it is told to: a count by one label or by two,
    /// or by the name of a family and a value.
    pub(crate) fn of_their_page(page: &str) -> Self {
        let mut answer = Self::default();
        for sample in samples(page) {
            if let Some(family) = sample.label("family").and_then(Family::of) {
                answer.add_sample(family, &sample, ["organization", "template", "value"]);
            }
            for (label, family) in [
                ("status", Family::Status),
                ("lifecycle", Family::Lifecycle),
                ("health", Family::Apps),
            ] {
                answer.add_sample(family, &sample, ["organization", "template", label]);
            }
        }
        answer
    }

    fn add_sample(&mut self, family: Family, sample: &Sample<'_>, labels: [&str; 3]) {
        let [organization, template, value] = labels.map(|label| sample.label(label));
        if let (Some(organization), Some(template), Some(value)) = (organization, template, value) {
            let names = [organization, template, value].map(str::to_owned);
            let [organization, template, value] = names;
            let key = (family, organization, template, value);
            self.add(key, sample.value as u64);
        }
    }

    /// How many agents and apps it counted.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let total = |family| {
            let counts = self.counts.iter().filter(|(key, _)| key.0 == family);
            counts.map(|(_, count)| count).sum()
        };
        (total(Family::Status), total(Family::Apps))
    }

    /// The first count in which the two differ.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<Difference> {
        let keys = self.counts.keys().chain(other.counts.keys());
        let differ = |key: &&Key| self.counts.get(*key) != other.counts.get(*key);
        let key = keys.filter(differ).min()?.clone();
        let count = |answer: &Self| answer.counts.get(&key).copied().unwrap_or_default();
        let (left, right) = (count(self), count(other));
        Some(Difference { key, left, right })
    }
}

pub(crate) struct Difference {
    key: Key,
    left: u64,
    right: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, organization, template, value) = &self.key;
        let Self { left, right, .. } = self;
        write!(
            f,
            "{family:?} {organization} {template} {value}: {left} where we count {right}"
        )
    }
}

/// One line of an exposition.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
}

impl Sample<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        let label = self.labels.iter().find(|(it, _)| *it == name);
        label.map(|(_, value)| *value)
    }
}

/// The samples of a page whose label values hold no quotes, commas or braces: those of a
/// fleet we made.
fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines().filter_map(|line| {
        let (name, rest) = line.split_once('{')?;
        let (labels, rest) = rest.split_once('}')?;
        let labels = labels.split("\",").filter_map(|label| {
            let (name, value) = label.split_once("=\"")?;
            Some((name, value.trim_end_matches('"')))
        });
        Some(Sample {
            name,
            labels: labels.collect(),
            value: rest.split_whitespace().next()?.parse().ok()?,
        })
    })
}
