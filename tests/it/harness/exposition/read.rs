//! A whole exposition, line by line.

use std::collections::{BTreeMap, HashSet};

use super::line::{metric_name, sample};
use super::{Family, Format, Page, Sample, histogram};

/// The types of each format.
const TEXT_TYPES: &[&str] = &["counter", "gauge", "histogram", "summary", "untyped"];
const OPENMETRICS_TYPES: &[&str] = &[
    "counter",
    "gauge",
    "gaugehistogram",
    "histogram",
    "info",
    "stateset",
    "summary",
    "unknown",
];

pub(super) fn read(format: Format, text: &str) -> Result<Page, String> {
    let body = match format {
        Format::Text => Some(text),
        Format::OpenMetrics => text.strip_suffix("# EOF\n"),
    };
    let body = body.ok_or("it does not end in # EOF")?;
    let mut reader = Reader::new(format);
    for (index, line) in body.split_inclusive('\n').enumerate() {
        let whole = line.strip_suffix('\n').ok_or("no newline");
        whole
            .map_err(String::from)
            .and_then(|line| reader.line(line))
            .map_err(|problem| format!("line {}: {problem}: {line:?}", index + 1))?;
    }
    reader.close_family()?;
    Ok(reader.page)
}

struct Reader {
    format: Format,
    page: Page,
    /// Of the family being read.
    open: Option<Family>,
    names: HashSet<String>,
    series: HashSet<(String, BTreeMap<String, String>)>,
}

impl Reader {
    fn new(format: Format) -> Self {
        Self {
            format,
            page: Page::default(),
            open: None,
            names: HashSet::new(),
            series: HashSet::new(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            return self.help(help);
        }
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            return self.declare_type(declared);
        }
        if line.is_empty() || line.starts_with('#') {
            return Err("neither HELP, TYPE nor a sample".into());
        }
        let sample = sample(self.format, line)?;
        self.sample(sample)
    }

    /// Opens a family: the text must say what a number is before it gives it.
    fn help(&mut self, rest: &str) -> Result<(), String> {
        self.close_family()?;
        let (name, help) = rest.split_once(' ').ok_or("no help text")?;
        metric_name(name)?;
        if help.is_empty() || help.contains('\\') {
            return Err("help that is empty, or would need unescaping".into());
        }
        if !self.names.insert(name.to_owned()) {
            return Err(format!("{name} was there before"));
        }
        self.open = Some(Family {
            name: name.to_owned(),
            kind: String::new(),
            help: help.to_owned(),
            samples: Vec::new(),
        });
        Ok(())
    }

    fn declare_type(&mut self, rest: &str) -> Result<(), String> {
        let (name, kind) = rest.split_once(' ').ok_or("no type")?;
        let types = match self.format {
            Format::Text => TEXT_TYPES,
            Format::OpenMetrics => OPENMETRICS_TYPES,
        };
        if !types.contains(&kind) {
            return Err(format!("{kind:?} is not a type of this format"));
        }
        let open = self.open.as_mut().filter(|family| family.name == name);
        let family = open.ok_or("TYPE does not follow the HELP of its family")?;
        if !family.kind.is_empty() {
            return Err(format!("{name} has two types"));
        }
        family.kind = kind.to_owned();
        Ok(())
    }

    fn sample(&mut self, sample: Sample) -> Result<(), String> {
        let format = self.format;
        let family = self.open.as_mut().ok_or("a sample before any family")?;
        if family.kind.is_empty() {
            return Err(format!("{} has no type", family.name));
        }
        let suffix = sample.name.strip_prefix(family.name.as_str());
        let fits = suffix.is_some_and(|it| suffixes(format, &family.kind).contains(&it));
        if !fits {
            let Family { name, kind, .. } = family;
            return Err(format!("{} is no sample of {kind} {name}", sample.name));
        }
        check_value(&family.kind, &sample)?;
        let series = (sample.name.clone(), sample.labels.clone());
        if !self.series.insert(series) {
            return Err("this series was there before".into());
        }
        family.samples.push(sample);
        Ok(())
    }

    /// A family without samples says nothing and should not be there.
    fn close_family(&mut self) -> Result<(), String> {
        match self.open.take() {
            Some(family) if family.samples.is_empty() => {
                Err(format!("{} has no samples", family.name))
            }
            Some(family) if family.kind.ends_with("histogram") => {
                histogram::check(&family)?;
                self.page.families.push(family);
                Ok(())
            }
            family => {
                self.page.families.extend(family);
                Ok(())
            }
        }
    }
}

/// What may follow the family's name in the name of a sample.
fn suffixes(format: Format, kind: &str) -> &'static [&'static str] {
    match (format, kind) {
        (Format::OpenMetrics, "counter") => &["_total"],
        (Format::OpenMetrics, "info") => &["_info"],
        (_, "histogram") => &["_bucket", "_sum", "_count"],
        (_, "gaugehistogram") => &["_bucket", "_gsum", "_gcount"],
        (_, "summary") => &["", "_sum", "_count"],
        _ => &[""],
    }
}

fn check_value(kind: &str, sample: &Sample) -> Result<(), String> {
    let value = sample.value;
    match kind {
        "counter" if value.is_nan() || value < 0.0 => Err("a counter that is negative".into()),
        "info" if value != 1.0 => Err("an info that is not 1".into()),
        _ if sample.name.ends_with("_bucket") && sample.label("le").is_none() => {
            Err("a bucket without a bound".into())
        }
        _ => Ok(()),
    }
}
