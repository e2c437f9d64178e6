//! What a page says, whatever format it was written in.

use std::collections::BTreeMap;

use super::{Family, Page, Sample};

/// Every series, by its name and labels.
pub(crate) type Series = BTreeMap<Key, Said>;

/// Name and labels.
pub(crate) type Key = (String, BTreeMap<String, String>);

/// What is said of one series.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    kind: String,
    help: String,
    /// The bits, so that equal means equal.
    value: u64,
}

/// Every series of the page. What OpenMetrics calls by other names goes by those of the text
/// format: infos are gauges, gauge histograms are histograms with a count and a sum.
pub(crate) fn series(page: &Page) -> Series {
    let families = page.families.iter();
    families
        .flat_map(|family| family.samples.iter().map(move |it| one(family, it)))
        .collect()
}

fn one(family: &Family, sample: &Sample) -> (Key, Said) {
    let is_gauge_histogram = family.kind == "gaugehistogram";
    let name = match sample.name.rsplit_once("_g") {
        Some((base, total @ ("count" | "sum"))) if is_gauge_histogram => {
            format!("{base}_{total}")
        }
        _ => sample.name.clone(),
    };
    let kind = match family.kind.as_str() {
        "info" => "gauge",
        "gaugehistogram" => "histogram",
        kind => kind,
    };
    let said = Said {
        kind: kind.to_owned(),
        help: family.help.clone(),
        value: sample.value.to_bits(),
    };
    ((name, sample.labels.clone()), said)
}
