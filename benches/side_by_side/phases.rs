//! Where the time of a scrape goes.
//!
//! The exporter says at level debug how long the parts of its pass took, and how long it wrote;
//! the rest follows from how long the scraper waited, with compression and without.

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

const LOGGED: [(&str, &str); 9] = [
    ("connect", "log: a connection from the pool"),
    ("begin", "log: transaction, moment, catalog"),
    ("agents", "log: the statement and its rows, decoded"),
    ("apps", "log"),
    ("causes", "log"),
    ("workspaces", "log"),
    ("bindings", "log"),
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
    let (mut compressed, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (encoding, times) in [
            (Encoding::Gzip, &mut compressed),
            (Encoding::Plain, &mut plain),
        ] {
            let started = Instant::now();
            scraper.get("/metrics", encoding)?;
            times.push(started.elapsed());
        }
    }
    let said = program.said();
    let logged = logged(&said[already_said..]);
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
    let encode = median("encode");
    let waited = |times: &[Duration]| Spread::of(times).map(|it| it.median());
    let compress = difference(waited(&compressed), waited(&plain));
    let served = difference(waited(&plain), median("pass"));
    phases.extend([
        Phase {
            name: "encode",
            seconds: encode,
            source: "log: OpenMetrics, in memory",
        },
        Phase {
            name: "compress",
            seconds: compress,
            source: "scraper: gzip against identity",
        },
        Phase {
            name: "send and the rest",
            seconds: difference(served, encode),
            source: "scraper: identity, less pass and encode",
        },
        Phase {
            name: "whole scrape",
            seconds: waited(&compressed),
            source: "scraper: gzip",
        },
    ]);
    Ok(phases)
}

/// Differences of medians may come out below nothing where there is nothing.
fn difference(whole: Option<f64>, part: Option<f64>) -> Option<f64> {
    Some((whole? - part?).max(0.0))
}

/// All durations of the lines about passes and scrapes, by name.
fn logged(said: &str) -> BTreeMap<String, Vec<Duration>> {
    let mut durations: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for line in said.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let fields = line.get("fields").unwrap_or(&line);
        let message = fields.get("message").and_then(Value::as_str);
        if !matches!(message, Some("pass" | "scrape")) {
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
