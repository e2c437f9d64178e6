//! What a metric family is: one entry in a table, from which everything else follows.

use std::fmt;

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::histogram::Histogram;

use super::page::Page;

/// A page of metrics: what its families draw on.
pub trait Exposed: Send + Sync + Sized + 'static {
    /// Every family of such a page, in the order in which it is exported.
    fn families() -> impl Iterator<Item = &'static Family<Self>>;
}

/// A metric family: its definition, and how its samples follow from a page.
///
/// Everything that is said of a metric anywhere (the exposition in each format, the catalogue,
/// the README's table, the check of the dashboards) is made from this one value.
pub struct Family<P = Page> {
    /// Full name as it stands in the text format, with `_total` or `_info`.
    pub name: &'static str,
    /// One sentence; no newline, no quotes, no final full stop.
    pub help: &'static str,
    /// What sort of numbers these are.
    pub kind: MetricKind,
    /// Label names, in the order in which `samples` gives their values.
    pub labels: &'static [&'static str],
    /// Where the numbers come from.
    pub source: Source,
    /// Whether it may still change.
    pub stability: Stability,
    /// Writes every sample the page has for this family, none when it is unknown.
    pub samples: fn(&P, &mut dyn Sink) -> fmt::Result,
}

/// What a format has to know of a family, whatever page it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricKind,
    pub(super) labels: &'static [&'static str],
}

impl<P> Family<P> {
    pub(super) const fn head(&self) -> Head {
        Head {
            name: self.name,
            help: self.help,
            kind: self.kind,
            labels: self.labels,
        }
    }
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; its name ends in `_total`.
    Counter,
    /// Always 1; its labels are the message. Its name ends in `_info`.
    Info,
    /// How many of what has happened had which size. Its counts only go up.
    Histogram,
    /// How many of what there is now have which size. Its counts go up and down, so it is a
    /// gauge histogram in the formats that have one.
    GaugeHistogram,
}

impl MetricKind {
    /// Whether it is one of the two sorts of distributions.
    pub(super) const fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::GaugeHistogram)
    }

    /// Its name in the text format, which has no infos: they are gauges there.
    pub const fn as_text_type(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info => "gauge",
            Self::Counter => "counter",
            Self::Histogram | Self::GaugeHistogram => "histogram",
        }
    }
}

/// What a family's name, labels and meaning may be relied on for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// Changes only with a major version.
    Stable,
    /// Follows Coder's own metric of that name, and changes with it.
    FollowsCoder,
}

impl Stability {
    /// The name in the catalogue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::FollowsCoder => "follows Coder",
        }
    }
}

/// Where a family's numbers come from.
///
/// The rule that decides: [`Source::Collector`] is what the database says, and is absent when
/// that collector did not load; [`Source::Probe`] is there when the probe is on, [`Source::Coder`]
/// with `--coder.url`, [`Source::Activity`] where session reports can be read; the others are
/// what this process does, and always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The rows of one collector.
    Collector(Collector),
    /// Trying to reach agents.
    Probe,
    /// What Coder says of itself.
    Coder,
    /// The session reports.
    Activity,
    /// This exporter's own work.
    Exporter,
    /// The operating system, about this process.
    Process,
}

impl Source {
    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collector(collector) => collector.as_str(),
            Self::Probe => "probe",
            Self::Coder => "coder",
            Self::Activity => "activity",
            Self::Exporter => "exporter",
            Self::Process => "process",
        }
    }
}

/// A number on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// Anything measured.
    Float(f64),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Count(u64::from(truth))
    }
}

/// Where samples go: one implementation for each format.
pub trait Sink {
    /// Takes one sample. `label_values` stand in the order of [`Family::labels`].
    ///
    /// # Errors
    ///
    /// When the text cannot grow, which ends the exposition.
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result;

    /// Takes one distribution, likewise.
    ///
    /// # Errors
    ///
    /// As above.
    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result;
}
