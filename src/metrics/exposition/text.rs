//! The formats that prometheus-client does not write: the Prometheus text format 0.0.4, and the
//! histograms of OpenMetrics text.

use std::fmt::{self, Write};

use crate::fleet::stats::histogram::Histogram;

use super::super::family::{Exposed, Head, MetricKind, Part, Sink, Value};
use super::families;

/// A part in the Prometheus text format 0.0.4.
pub(super) fn prometheus<P: Exposed>(page: &P, part: Part) -> Result<String, fmt::Error> {
    let mut out = String::new();
    for family in families::<P>(part) {
        let mut sink = TextSink::new(&mut out, family.head(), Dialect::PROMETHEUS);
        (family.samples)(page, &mut sink)?;
    }
    Ok(out)
}

/// A part's histograms as OpenMetrics text.
pub(super) fn append_histograms<P: Exposed>(page: &P, part: Part, out: &mut String) -> fmt::Result {
    for family in families::<P>(part).filter(|it| it.kind.is_histogram()) {
        let dialect = match family.kind {
            MetricKind::GaugeHistogram => Dialect::GAUGE,
            _ => Dialect::PROMETHEUS,
        };
        let mut sink = TextSink::new(out, family.head(), dialect);
        (family.samples)(page, &mut sink)?;
    }
    Ok(())
}

/// The names in a format of histograms. Only OpenMetrics has gauge histograms.
#[derive(Clone, Copy)]
struct Dialect {
    histogram_type: &'static str,
    count_suffix: &'static str,
    sum_suffix: &'static str,
}

impl Dialect {
    const PROMETHEUS: Self = Self {
        histogram_type: "histogram",
        count_suffix: "_count",
        sum_suffix: "_sum",
    };
    const GAUGE: Self = Self {
        histogram_type: "gaugehistogram",
        count_suffix: "_gcount",
        sum_suffix: "_gsum",
    };
}

/// Writes one family. The first sample writes HELP and TYPE, so a family without samples is
/// omitted.
struct TextSink<'a> {
    out: &'a mut String,
    family: Head,
    dialect: Dialect,
    announced: bool,
}

impl<'a> TextSink<'a> {
    fn new(out: &'a mut String, family: Head, dialect: Dialect) -> Self {
        Self {
            out,
            family,
            dialect,
            announced: false,
        }
    }

    fn announce(&mut self) -> fmt::Result {
        if self.announced {
            return Ok(());
        }
        let Head {
            name, help, kind, ..
        } = self.family;
        let text_type = match kind {
            kind if kind.is_histogram() => self.dialect.histogram_type,
            kind => kind.as_text_type(),
        };
        writeln!(self.out, "# HELP {name} {help}")?;
        writeln!(self.out, "# TYPE {name} {text_type}")?;
        self.announced = true;
        Ok(())
    }

    fn line(
        &mut self,
        suffix: &str,
        label_values: &[&str],
        bound: Option<f64>,
        value: Value,
    ) -> fmt::Result {
        self.out.push_str(self.family.name);
        self.out.push_str(suffix);
        let mut separator = '{';
        for (name, value) in self.family.labels.iter().zip(label_values) {
            self.out.push(separator);
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, self.out);
            self.out.push('"');
            separator = ',';
        }
        if let Some(bound) = bound {
            write!(self.out, "{separator}le=\"")?;
            self.number(bound)?;
            self.out.push('"');
            separator = ',';
        }
        self.out.push_str(if separator == ',' { "} " } else { " " });
        match value {
            Value::Count(count) => write!(self.out, "{count}")?,
            Value::Float(float) => self.number(float)?,
        }
        self.out.push('\n');
        Ok(())
    }

    /// Writes a number in the format of Go.
    fn number(&mut self, float: f64) -> fmt::Result {
        match float {
            f64::INFINITY => self.out.write_str("+Inf"),
            f64::NEG_INFINITY => self.out.write_str("-Inf"),
            // The debug form keeps the .0 that OpenMetrics wants in a bound.
            float => write!(self.out, "{float:?}"),
        }
    }
}

impl Sink for TextSink<'_> {
    fn sample(&mut self, label_values: &[&str], value: Value) -> fmt::Result {
        self.announce()?;
        self.line("", label_values, None, value)
    }

    fn histogram(&mut self, label_values: &[&str], histogram: &Histogram) -> fmt::Result {
        self.announce()?;
        let Dialect {
            count_suffix,
            sum_suffix,
            ..
        } = self.dialect;
        let mut so_far = 0;
        for (bound, count) in histogram.buckets() {
            so_far += count;
            self.line("_bucket", label_values, Some(bound), so_far.into())?;
        }
        self.line(count_suffix, label_values, None, histogram.count().into())?;
        self.line(sum_suffix, label_values, None, histogram.sum().into())
    }
}

/// Escapes backslash, quote and newline in a label value.
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
