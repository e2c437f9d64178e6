//! One line of an exposition: `name{label="value",…} number`, without a time.

use std::collections::BTreeMap;

use super::{Format, Sample};

/// Reads a sample. Exactly one space before the number and nothing after it.
pub(super) fn sample(format: Format, line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no number")?;
    let (name, rest) = line.split_at(end);
    metric_name(name)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let number_text = rest.strip_prefix(' ').ok_or("no space before the number")?;
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value: number(format, number_text)?,
    })
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub(super) fn metric_name(name: &str) -> Result<(), String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    let digit_first = name.starts_with(|it: char| it.is_ascii_digit());
    if name.is_empty() || digit_first || !name.chars().all(plain) {
        return Err(format!("{name:?} is not a metric name"));
    }
    Ok(())
}

/// Everything up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        label_name(name)?;
        let (value, after) = label_value(after)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("label {name} is there twice"));
        }
        if let Some(after) = after.strip_prefix('}') {
            return Ok((labels, after));
        }
        rest = after.strip_prefix(',').ok_or("no , or } after a label")?;
    }
}

fn label_name(name: &str) -> Result<(), String> {
    let reserved = name.starts_with("__");
    if reserved || name.contains(':') || metric_name(name).is_err() {
        return Err(format!("{name:?} is not a label name"));
    }
    Ok(())
}

/// The text up to the closing quote, unescaped, and what follows it.
fn label_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => return Err(format!("\\{:?} is no escape", other.map(|it| it.1))),
            },
            plain => value.push(plain),
        }
    }
    Err("a label value that does not end".into())
}

/// A decimal number, or one of the three words.
fn number(format: Format, text: &str) -> Result<f64, String> {
    match (format, text) {
        (_, "+Inf") => return Ok(f64::INFINITY),
        (_, "-Inf") => return Ok(f64::NEG_INFINITY),
        (_, "NaN") => return Ok(f64::NAN),
        // OpenMetrics does not care for the case of its words.
        (Format::OpenMetrics, "inf" | "+inf") => return Ok(f64::INFINITY),
        (Format::OpenMetrics, "-inf") => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let decimal = |it: char| it.is_ascii_digit() || "+-.eE".contains(it);
    let parsed = text.parse().ok().filter(|_| text.chars().all(decimal));
    parsed.ok_or_else(|| format!("{text:?} is not a number"))
}
