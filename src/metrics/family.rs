//! The definition of a metric family: an entry in a table, from which all documents follow.

use std::fmt;

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::histogram::Histogram;

use super::page::Page;

/// A page of metrics, with the data that its families need.
pub trait Exposed: Send + Sync + Sized + 'static {
    /// The families of the page, in the order of exposition.
    fn families() -> impl Iterator<Item = &'static Family<Self>>;
}

/// A metric family: its definition, and a function that writes its samples from a page.
///
/// The exposition in each format, the catalogue, the README's table and the check of the dashboards
/// are all generated from this value.
pub struct Family<P = Page> {
    /// Full name in the text format, with `_total` or `_info`.
    pub name: &'static str,
    /// Help text: one sentence without newline, quotes and final full stop.
    pub help: &'static str,
    /// Metric type, written in `# TYPE`.
    pub kind: MetricKind,
    /// Label names, in the order in which `samples` passes the values.
    pub labels: &'static [&'static str],
    /// Origin of the values.
    pub source: Source,
    /// Which changes of the metric users must expect.
    pub stability: Stability,
    /// Writes all samples of this family; none if the value is unknown.
    pub samples: fn(&P, &mut dyn Sink) -> fmt::Result,
}

/// The part of a family that a format needs, independent of the page's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricKind,
    pub(super) labels: &'static [&'static str],
}

impl<P> Family<P> {
    /// The part of the page that it belongs to.
    pub(super) const fn part(&self) -> Part {
        match self.source {
            Source::Collector(_) | Source::Activity => Part::Kept,
            Source::Probe | Source::Coder | Source::Exporter | Source::Process => Part::Live,
        }
    }

    pub(super) const fn head(&self) -> Head {
        Head {
            name: self.name,
            help: self.help,
            kind: self.kind,
            labels: self.labels,
        }
    }
}

/// The two parts of a page, in their order. A family is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the collection, the counters up to it and the last session reports decide. It is the
    /// same until one of these is replaced.
    Kept,
    /// What this process does, and what it asks beside the collections: new in each scrape, and
    /// small whatever the fleet.
    Live,
}

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only goes up. The name ends in `_total`.
    Counter,
    /// Always 1; the labels have the information. The name ends in `_info`.
    Info,
    /// Distribution of past events. The counts only go up.
    Histogram,
    /// Distribution of current values. The counts go up and down, so it is a gauge histogram in the
    /// formats that have this type.
    GaugeHistogram,
}

impl MetricKind {
    /// Whether it is a histogram or a gauge histogram.
    pub(super) const fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::GaugeHistogram)
    }

    /// The type in the text format. An info is a gauge there.
    pub const fn as_text_type(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info => "gauge",
            Self::Counter => "counter",
            Self::Histogram | Self::GaugeHistogram => "histogram",
        }
    }
}

/// Stability of a family's name, labels and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// Changes only with a major version.
    Stable,
    /// A copy of Coder's own metric of that name, and changes with it.
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
    /// The rows of a collector.
    Collector(Collector),
    /// The results of the probe's rounds.
    Probe,
    /// What Coder says of itself.
    Coder,
    /// The session reports.
    Activity,
    /// This exporter's own work.
    Exporter,
    /// The operating system's data about this process.
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

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number, such as a count of agents.
    Count(u64),
    /// A number with a fraction, such as seconds.
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

/// A receiver of samples, implemented for each format.
pub trait Sink {
    /// Writes a sample. `label_values` have the order of [`Family::labels`].
    ///
    /// # Errors
    ///
    /// When the sample cannot be written, which ends the exposition.
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result;

    /// Writes a histogram. `label_values` have the order of [`Family::labels`].
    ///
    /// # Errors
    ///
    /// The same as [`sample`](Self::sample).
    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result;
}
