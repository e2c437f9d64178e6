//! What a scrape said, read strictly: whatever a reader somewhere might stumble over is an error
//! here, although Prometheus itself would be more patient.

mod histogram;
mod line;
pub(crate) mod protobuf;
mod read;
mod series;
mod tests;

use std::collections::BTreeMap;

pub(crate) use series::{Series, series};

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

/// One exposition.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) families: Vec<Family>,
}

/// One metric family, under the name its `TYPE` line gives it.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line with a number.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Page {
    /// Reads an exposition. The error says which line is wrong, and why.
    pub(crate) fn read(format: Format, text: &str) -> Result<Self, String> {
        read::read(format, text)
    }

    /// Every sample of this name that carries at least these labels.
    pub(crate) fn samples<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = &'a Sample> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        samples.filter(move |sample| {
            let has = |(name, value): &(&str, &str)| sample.label(name) == Some(value);
            sample.name == name && labels.iter().all(has)
        })
    }

    /// The sum over every sample of this name that carries at least these labels; panics when
    /// there is none, since absent is not zero.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.get(name, labels);
        found.unwrap_or_else(|| panic!("no {name} with {labels:?} in {}", self.show(name)))
    }

    /// As [`value`](Self::value), or `None` when there is no such sample.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.samples(name, labels)
            .map(|sample| sample.value)
            .reduce(|sum, value| sum + value)
    }

    /// Fails unless every collector that is on says that it loaded.
    #[track_caller]
    pub(crate) fn assert_every_collector_loaded(&self) {
        const SUCCESS: &str = "coder_exporter_collector_success";
        let success: Vec<_> = self.samples(SUCCESS, &[]).map(|it| it.value).collect();
        let all = !success.is_empty() && success.iter().all(|&it| it == 1.0);
        assert!(all, "{}", self.show(SUCCESS));
    }

    /// Whether any sample of this name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name, &[]).is_some()
    }

    /// The samples of one name as lines, for messages and snapshots.
    pub(crate) fn show(&self, name: &str) -> String {
        let lines = self.samples(name, &[]).map(|sample| {
            let labels = sample.labels.iter();
            let labels: Vec<_> = labels
                .map(|(name, value)| format!("{name}={value:?}"))
                .collect();
            format!("{name}{{{}}} {}\n", labels.join(","), sample.value)
        });
        lines.collect()
    }
}

impl Sample {
    /// The value of one label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}
