//! Delimited protobuf, read into the same page as text: histograms become the samples that text
//! has for them, and their native buckets stand beside.

use std::collections::{BTreeMap, HashSet};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Histogram, Metric, MetricFamily, MetricType,
};
use prost::Message;

use super::{Family, Page, Sample, histogram};

/// One exposition.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) page: Page,
    pub(crate) natives: Vec<Native>,
}

/// A native histogram: how many values there are between bounds.
#[derive(Debug)]
pub(crate) struct Native {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) count: u64,
    /// From above this bound up to and with that one, in ascending order.
    pub(crate) buckets: Vec<(f64, f64, u64)>,
}

impl Exposition {
    /// Reads one, strictly.
    pub(crate) fn read(mut bytes: &[u8]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut names = HashSet::new();
        while !bytes.is_empty() {
            let message = MetricFamily::decode_length_delimited(&mut bytes);
            let message = message.map_err(|error| error.to_string())?;
            if !names.insert(message.name.clone()) {
                return Err(format!("{} was there before", message.name));
            }
            read.family(message)?;
        }
        Ok(read)
    }

    fn family(&mut self, message: MetricFamily) -> Result<(), String> {
        let name = message.name.clone();
        let mut family = Family {
            kind: kind(message.r#type())?.to_owned(),
            name: message.name,
            help: message.help,
            samples: Vec::new(),
        };
        for metric in message.metric {
            let labels = labels(&metric).map_err(|problem| format!("{name}: {problem}"))?;
            let value = match (family.kind.as_str(), &metric) {
                (
                    "gauge",
                    Metric {
                        gauge: Some(it), ..
                    },
                ) => it.value,
                (
                    "counter",
                    Metric {
                        counter: Some(it), ..
                    },
                ) => it.value,
                (
                    "histogram",
                    Metric {
                        histogram: Some(it),
                        ..
                    },
                ) => {
                    self.natives.push(native(&name, &labels, it)?);
                    family.samples.extend(classic(&name, &labels, it));
                    continue;
                }
                (kind, _) => return Err(format!("{name}: {metric:?} is no {kind}")),
            };
            let name = name.clone();
            family.samples.push(Sample {
                name,
                labels,
                value,
            });
        }
        if family.samples.is_empty() {
            return Err(format!("{name} has no samples"));
        }
        let mut series = HashSet::new();
        let mut twice = family.samples.iter();
        if let Some(sample) = twice.find(|it| !series.insert((&it.name, &it.labels))) {
            return Err(format!("{sample:?} was there before"));
        }
        if family.kind == "histogram" {
            histogram::check(&family)?;
        }
        self.page.families.push(family);
        Ok(())
    }
}

/// The type as the text format names it.
fn kind(wire: MetricType) -> Result<&'static str, String> {
    match wire {
        MetricType::Gauge => Ok("gauge"),
        MetricType::Counter => Ok("counter"),
        MetricType::Histogram | MetricType::GaugeHistogram => Ok("histogram"),
        other => Err(format!("nothing of ours is a {other:?}")),
    }
}

fn labels(metric: &Metric) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for pair in &metric.label {
        if labels
            .insert(pair.name.clone(), pair.value.clone())
            .is_some()
        {
            return Err(format!("label {} is there twice", pair.name));
        }
    }
    Ok(labels)
}

/// The samples that the text format has for a histogram.
fn classic(name: &str, labels: &BTreeMap<String, String>, histogram: &Histogram) -> Vec<Sample> {
    let sample = |suffix: &str, value: f64| Sample {
        name: format!("{name}{suffix}"),
        labels: labels.clone(),
        value,
    };
    let buckets = histogram.bucket.iter().map(|bucket| {
        let mut sample = sample("_bucket", bucket.cumulative_count as f64);
        let bound = match bucket.upper_bound {
            f64::INFINITY => "+Inf".to_owned(),
            bound => format!("{bound:?}"),
        };
        sample.labels.insert("le".to_owned(), bound);
        sample
    });
    let totals = [
        sample("_count", histogram.sample_count as f64),
        sample("_sum", histogram.sample_sum),
    ];
    buckets.chain(totals).collect()
}

/// As the format defines it: runs of buckets, each count as the difference to the one before.
fn native(
    name: &str,
    labels: &BTreeMap<String, String>,
    histogram: &Histogram,
) -> Result<Native, String> {
    if !(-4..=8).contains(&histogram.schema) || histogram.zero_threshold <= 0.0 {
        return Err(format!("{name} is no native histogram: {histogram:?}"));
    }
    let base = 2_f64.powi(-histogram.schema).exp2();
    let mut buckets = vec![(
        -histogram.zero_threshold,
        histogram.zero_threshold,
        histogram.zero_count,
    )];
    let mut deltas = histogram.positive_delta.iter();
    let (mut index, mut count) = (0, 0);
    for (at, span) in histogram.positive_span.iter().enumerate() {
        if at > 0 && span.offset < 0 {
            return Err(format!("{name}: spans overlap"));
        }
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().ok_or("more buckets than counts")?;
            let own = u64::try_from(count).map_err(|_| "a count below zero")?;
            buckets.push((base.powi(index - 1), base.powi(index), own));
            index += 1;
        }
    }
    if deltas.next().is_some() {
        return Err(format!("{name}: more counts than buckets"));
    }
    Ok(Native {
        name: name.to_owned(),
        labels: labels.clone(),
        count: histogram.sample_count,
        buckets,
    })
}
