//! The formats that prometheus-client writes: OpenMetrics text and Prometheus protobuf.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricType as WireType;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder,
    NativeHistogram, NativeHistogramBuckets, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use prost::Message;

use crate::fleet::stats::histogram::Histogram;

use super::super::family::{Exposed, Family, Head, MetricKind, Part, Sink, Value};
use super::families;

/// A part as OpenMetrics text without the final EOF line and without histograms: prometheus-client
/// does not support gauge histograms and writes the bound of the last bucket differently.
pub(super) fn open_metrics<P: Exposed>(page: &Arc<P>, part: Part) -> Result<String, fmt::Error> {
    let families = families::<P>(part).filter(|it| !it.kind.is_histogram());
    let mut out = String::new();
    text::encode_registry(&mut out, &registry(page, families.collect()))?;
    Ok(out)
}

/// A part as delimited protobuf. It is written family by family, so that only one message is in
/// memory.
pub(super) fn protobuf<P: Exposed>(page: &Arc<P>, part: Part) -> Result<Vec<u8>, fmt::Error> {
    let mut out = Vec::new();
    for family in families::<P>(part) {
        let registry = registry(page, vec![family]);
        for mut message in prometheus_protobuf::encode(&registry)? {
            if family.kind == MetricKind::GaugeHistogram {
                message.r#type = WireType::GaugeHistogram.into();
            }
            let encoded = message.encode_length_delimited(&mut out);
            encoded.map_err(|_| fmt::Error)?;
        }
    }
    Ok(out)
}

fn registry<P: Exposed>(page: &Arc<P>, families: Vec<&'static Family<P>>) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families {
        page: page.clone(),
        families,
    }));
    registry
}

/// Some families of a page, for the encoder of prometheus-client.
struct Families<P: 'static> {
    page: Arc<P>,
    families: Vec<&'static Family<P>>,
}

impl<P> fmt::Debug for Families<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.families.iter().map(|family| family.name);
        f.debug_list().entries(names).finish()
    }
}

impl<P: Exposed> Collector for Families<P> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|family| {
            (family.samples)(
                &self.page,
                &mut ClientSink::new(&mut encoder, family.head()),
            )
        })
    }
}

/// Passes samples to prometheus-client. The first sample writes the family's descriptor, so a
/// family without samples is omitted.
struct ClientSink<'e, 'd> {
    family: Head,
    descriptor: Option<&'e mut DescriptorEncoder<'d>>,
    metric: Option<MetricEncoder<'e>>,
}

impl<'e, 'd> ClientSink<'e, 'd> {
    fn new(descriptor: &'e mut DescriptorEncoder<'d>, family: Head) -> Self {
        Self {
            family,
            descriptor: Some(descriptor),
            metric: None,
        }
    }

    /// Writes the descriptor. The format adds the suffix of counters and infos.
    fn announce(&mut self) -> fmt::Result {
        let Some(descriptor) = self.descriptor.take() else {
            return Ok(());
        };
        let Head {
            name, help, kind, ..
        } = self.family;
        let (suffix, metric_type) = match kind {
            MetricKind::Gauge => ("", MetricType::Gauge),
            MetricKind::Counter => ("_total", MetricType::Counter),
            MetricKind::Info => ("_info", MetricType::Info),
            MetricKind::Histogram | MetricKind::GaugeHistogram => ("", MetricType::Histogram),
        };
        let base = name.strip_suffix(suffix).unwrap_or(name);
        self.metric = Some(descriptor.encode_descriptor(base, help, None, metric_type)?);
        Ok(())
    }

    /// The encoder of a series with these labels.
    fn series(
        &mut self,
        label_values: &[&str],
        write: impl FnOnce(&mut MetricEncoder<'_>, &Labels<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.announce()?;
        let labels = Labels {
            names: self.family.labels,
            values: label_values,
        };
        let metric = self.metric.as_mut().ok_or(fmt::Error)?;
        // An info takes its labels itself, and an empty set would be written as {}.
        if self.family.kind == MetricKind::Info || label_values.is_empty() {
            return write(metric, &labels);
        }
        write(&mut metric.encode_family(&labels)?, &labels)
    }
}

impl Sink for ClientSink<'_, '_> {
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result {
        let kind = self.family.kind;
        self.series(label_values, |metric, labels| match kind {
            MetricKind::Info => metric.encode_info(labels),
            _ => encode_value(metric, kind, value),
        })
    }

    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result {
        let buckets: Vec<_> = histogram.buckets().collect();
        let native = histogram.native();
        let none = NativeHistogramBuckets {
            spans: &[],
            deltas: &[],
        };
        self.series(label_values, |metric, _| {
            metric.encode_histogram_with_native::<NoLabelSet>(
                histogram.sum(),
                histogram.count(),
                &buckets,
                None,
                NativeHistogram {
                    schema: native.schema,
                    zero_threshold: Histogram::zero_threshold(),
                    zero_count: native.zero_count,
                    negative: none,
                    positive: NativeHistogramBuckets {
                        spans: &native.spans,
                        deltas: &native.deltas,
                    },
                    created: None,
                },
            )
        })
    }
}

fn encode_value(metric: &mut MetricEncoder<'_>, kind: MetricKind, value: Value) -> fmt::Result {
    match (kind, value) {
        (MetricKind::Counter, Value::Count(count)) => {
            metric.encode_counter::<NoLabelSet, _, f64>(&count, None)
        }
        (MetricKind::Counter, Value::Float(float)) => {
            metric.encode_counter::<NoLabelSet, _, f64>(&float, None)
        }
        (_, Value::Count(count)) => metric.encode_gauge(&count),
        (_, Value::Float(float)) => metric.encode_gauge(&float),
    }
}

/// Label names and values of a sample, in the same order.
struct Labels<'a> {
    names: &'a [&'a str],
    values: &'a [&'a str],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (name, value) in self.names.iter().zip(self.values) {
            (*name, *value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
