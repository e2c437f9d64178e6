//! The exposition formats, each written from the same families.

use std::fmt::{self, Write};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
    text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::catalogue::families;
use super::family::{Family, MetricKind, Sink, Value};
use super::page::Page;

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
    /// Prometheus text 0.0.4: what every reader understands.
    Text,
}

impl Format {
    /// The exact `Content-Type` of the format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes the whole page.
    ///
    /// # Errors
    ///
    /// When the text cannot grow.
    pub fn write(self, page: &Page) -> Result<String, fmt::Error> {
        let mut out = String::new();
        match self {
            Self::OpenMetrics => {
                let mut registry = Registry::default();
                registry.register_collector(Box::new(page.clone()));
                text::encode(&mut out, &registry)?;
            }
            Self::Text => {
                for family in families() {
                    (family.samples)(page, &mut TextSink::new(&mut out, family))?;
                }
            }
        }
        Ok(out)
    }
}

/// All families, for whatever format prometheus-client is asked for.
impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        families().try_for_each(|family| {
            (family.samples)(self, &mut ClientSink::new(&mut encoder, family))
        })
    }
}

/// Hands samples to prometheus-client. A family is announced by its first sample, so that one
/// without any leaves no trace.
struct ClientSink<'e, 'd> {
    family: &'static Family,
    descriptor: Option<&'e mut DescriptorEncoder<'d>>,
    metric: Option<MetricEncoder<'e>>,
}

impl<'e, 'd> ClientSink<'e, 'd> {
    fn new(descriptor: &'e mut DescriptorEncoder<'d>, family: &'static Family) -> Self {
        Self {
            family,
            descriptor: Some(descriptor),
            metric: None,
        }
    }

    /// The format adds the suffix of counters and infos by itself.
    fn announce(&mut self) -> fmt::Result {
        let Some(descriptor) = self.descriptor.take() else {
            return Ok(());
        };
        let Family {
            name, help, kind, ..
        } = self.family;
        let (suffix, metric_type) = match kind {
            MetricKind::Gauge => ("", MetricType::Gauge),
            MetricKind::Counter => ("_total", MetricType::Counter),
            MetricKind::Info => ("_info", MetricType::Info),
        };
        let base = name.strip_suffix(suffix).unwrap_or(name);
        self.metric = Some(descriptor.encode_descriptor(base, help, None, metric_type)?);
        Ok(())
    }
}

impl Sink for ClientSink<'_, '_> {
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result {
        self.announce()?;
        let labels = Labels {
            names: self.family.labels,
            values: label_values,
        };
        let Some(metric) = self.metric.as_mut() else {
            return Err(fmt::Error);
        };
        if self.family.kind == MetricKind::Info {
            return metric.encode_info(&labels);
        }
        if label_values.is_empty() {
            return encode_value(metric, self.family.kind, value);
        }
        let mut metric = metric.encode_family(&labels)?;
        encode_value(&mut metric, self.family.kind, value)
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

/// Label names and values of one sample, side by side.
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

/// Writes Prometheus text 0.0.4, which prometheus-client does not offer.
struct TextSink<'a> {
    out: &'a mut String,
    family: &'static Family,
    announced: bool,
}

impl<'a> TextSink<'a> {
    fn new(out: &'a mut String, family: &'static Family) -> Self {
        Self {
            out,
            family,
            announced: false,
        }
    }

    fn announce(&mut self) -> fmt::Result {
        let Family {
            name, help, kind, ..
        } = self.family;
        let text_type = kind.as_text_type();
        writeln!(self.out, "# HELP {name} {help}")?;
        writeln!(self.out, "# TYPE {name} {text_type}")?;
        self.announced = true;
        Ok(())
    }
}

impl Sink for TextSink<'_> {
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result {
        if !self.announced {
            self.announce()?;
        }
        self.out.push_str(self.family.name);
        let labels = self.family.labels.iter().zip(label_values);
        for (index, (name, value)) in labels.enumerate() {
            self.out.push(if index == 0 { '{' } else { ',' });
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, self.out);
            self.out.push('"');
        }
        if !label_values.is_empty() {
            self.out.push('}');
        }
        match value {
            Value::Count(count) => writeln!(self.out, " {count}"),
            Value::Float(f64::INFINITY) => writeln!(self.out, " +Inf"),
            Value::Float(f64::NEG_INFINITY) => writeln!(self.out, " -Inf"),
            Value::Float(float) => writeln!(self.out, " {float}"),
        }
    }
}

/// The three characters that mean something inside a label value.
fn escape(value: &str, out: &mut String) {
    for part in value.split_inclusive(['\\', '"', '\n']) {
        let (plain, special) = match part.char_indices().next_back() {
            Some((at, special @ ('\\' | '"' | '\n'))) => (&part[..at], Some(special)),
            _ => (part, None),
        };
        out.push_str(plain);
        match special {
            Some('\n') => out.push_str("\\n"),
            Some(special) => out.extend(['\\', special]),
            None => {}
        }
    }
}
