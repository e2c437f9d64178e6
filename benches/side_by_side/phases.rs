//! Where the time of a scrape goes.
//!
//! The exporter says at level debug how long the parts of its collection took, and how long it wrote
//! and compressed; the rest follows from how long the scraper waited for the same answers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::contestants::{Place, exporter};
use crate::http::{Encoding, Scraper};
use crate::server::{ROLE, url};
use crate::statistics::Spread;

/// One part of a scrape.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// `None` where it was not seen.
    pub(crate) seconds: Option<f64>,
    /// Where the figure comes from.
    pub(crate) source: &'static str,
}

const LOGGED: [(&str, &str); 12] = [
    ("connect", "log: a connection from the pool"),
    ("begin", "log: transaction, moment, catalog"),
    ("agents", "log: the statement and its rows, decoded"),
    ("apps", "log"),
    ("causes", "log"),
    ("workspaces", "log"),
    ("bindings", "log"),
    ("replicas", "log"),
    ("provisioners", "log"),
    ("startups", "log"),
    ("commit", "log: with the last migration's version"),
    ("judge", "log: status and health of everybody, and counts"),
];

/// Medians of so many scrapes of each sort.
pub(crate) fn phases(
    place: Place<'_>,
    rounds: usize,
    first_row: Option<Duration>,
) -> Result<Vec<Phase>> {
    let url = url(ROLE, place.port, &place.shape.database());
    let settings = [("--log.level", "debug"), ("--log.format", "json")];
    let program = exporter(&url, &settings, place.folder)?;
    let mut scraper = Scraper::connect(program.address)?;
    scraper.get("/metrics", Encoding::Gzip)?;
    let already_said = program.said().len();
    let mut waited = Vec::new();
    for turn in 0..2 * rounds {
        let encoding = match turn % 2 {
            0 => Encoding::Gzip,
            _ => Encoding::Plain,
        };
        let started = Instant::now();
        scraper.get("/metrics", encoding)?;
        waited.push(started.elapsed());
    }
    let logged = logged(&program.said()[already_said..]);
    let median = |name: &str| Some(Spread::of(logged.get(name)?)?.median());
    let mut phases: Vec<Phase> = Vec::new();
    for (name, source) in LOGGED {
        phases.push(Phase {
            name,
            seconds: median(name),
            source,
        });
        if name == "begin" {
            phases.push(Phase {
                name: "first row *",
                seconds: first_row.map(|it| it.as_secs_f64()),
                source: "relay: of the agents, from their statement; part of agents",
            });
        }
    }
    let middle = |times: &[Duration]| Spread::of(times).map(|it| it.median());
    let compressed = |times: &[Duration]| middle(&every_second(times, 0));
    let plain = |times: &[Duration]| middle(&every_second(times, 1));
    let encode = logged.get("encode").map(Vec::as_slice).unwrap_or_default();
    let rest = rest(&waited, &logged);
    phases.extend([
        Phase {
            name: "encode",
            seconds: plain(encode),
            source: "log: OpenMetrics, in memory",
        },
        Phase {
            name: "compress",
            // Of two medians, where there is next to nothing, the lesser may come out greater.
            seconds: compressed(encode)
                .zip(plain(encode))
                .map(|(both, encode)| (both - encode).max(0.0)),
            source: "log: the same with gzip, less that without",
        },
        Phase {
            name: "send and the rest",
            seconds: compressed(&rest),
            source: "scraper: with gzip, less collection and encode",
        },
        Phase {
            name: "whole scrape",
            seconds: compressed(&waited),
            source: "scraper: with gzip",
        },
    ]);
    Ok(phases)
}

/// What the scraper waited for each answer beyond what the log has of that very answer. Nothing
/// where the log has not as many.
fn rest(waited: &[Duration], logged: &BTreeMap<String, Vec<Duration>>) -> Vec<Duration> {
    let (Some(collection), Some(encode)) = (logged.get("collection"), logged.get("encode")) else {
        return Vec::new();
    };
    if collection.len() != waited.len() || encode.len() != waited.len() {
        return Vec::new();
    }
    let known = collection
        .iter()
        .zip(encode)
        .map(|(collection, encode)| *collection + *encode);
    let rest = waited.iter().zip(known);
    rest.map(|(waited, known)| waited.saturating_sub(known))
        .collect()
}

/// Those with compression and those without take turns.
fn every_second(times: &[Duration], first: usize) -> Vec<Duration> {
    times.iter().skip(first).step_by(2).copied().collect()
}

/// All durations of the lines about collections, their collectors and scrapes, by name.
fn logged(said: &str) -> BTreeMap<String, Vec<Duration>> {
    let mut durations: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for line in said.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let fields = line.get("fields").unwrap_or(&line);
        let text = |name| fields.get(name).and_then(Value::as_str);
        if text("message") == Some("collector") {
            let duration = text("duration").and_then(duration);
            if let (Some(collector), Some(duration)) = (text("collector"), duration) {
                let all = durations.entry(collector.to_owned());
                all.or_default().push(duration);
            }
            continue;
        }
        if !matches!(text("message"), Some("collection" | "scrape")) {
            continue;
        }
        for (name, value) in fields.as_object().into_iter().flatten() {
            if let Some(duration) = value.as_str().and_then(duration) {
                durations.entry(name.clone()).or_default().push(duration);
            }
        }
    }
    durations
}

/// A duration as `Debug` writes it.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|it: char| !it.is_ascii_digit() && it != '.')?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Some(Duration::from_secs_f64(
        number.parse::<f64>().ok()? * seconds,
    ))
}
