//! What came of it, as tables and as JSON.

use serde_json::{Value, json};

use crate::contestants::Kind;
use crate::phases::Phase;
use crate::process;
use crate::race::{Outcome, Race};
use crate::shapes::Shape;
use crate::startup::Startup;
use crate::statistics::Spread;
use crate::table::{Table, kilobytes, mebibytes, milliseconds, or_dash};
use crate::targets;

/// Everything that was found.
pub(crate) struct Findings {
    load: f64,
    postgres: String,
    rounds: usize,
    pub(crate) races: Vec<Race>,
    pub(crate) phases: Vec<(Shape, Vec<Phase>)>,
    pub(crate) startup: Option<Startup>,
}

impl Findings {
    pub(crate) fn new(load: f64, postgres: String, rounds: usize) -> Self {
        println!(
            "Postgres {postgres}, {}, load {load}\n",
            process::processors()
        );
        Self {
            load,
            postgres,
            rounds,
            races: Vec::new(),
            phases: Vec::new(),
            startup: None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let phases = self.phases.iter().map(|(shape, phases)| {
            let phases: Vec<Value> = phases.iter().map(phase_json).collect();
            json!({"shape": shape.name(), "phases": phases})
        });
        let targets = targets::targets(&self.races);
        let targets = targets.iter().map(|it| {
            json!({
                "what": it.what, "shape": it.shape.name(), "target": it.target,
                "measured": it.measured.as_ref().map(|it| &it.0),
                "is_met": it.measured.as_ref().map(|it| it.1),
            })
        });
        json!({
            "postgres": self.postgres,
            "processors": process::processors(),
            "load_average": self.load,
            "rounds": self.rounds,
            "shapes": self.races.iter().map(race_json).collect::<Vec<_>>(),
            "phases": phases.collect::<Vec<_>>(),
            "startup": self.startup.as_ref().map(startup_json),
            "targets": targets.collect::<Vec<_>>(),
        })
    }
}

const HEAD: [&str; 14] = [
    "",
    "median ms",
    "least",
    "most",
    "x floor",
    "x ours",
    "peak MiB",
    "own cpu ms",
    "pg cpu ms",
    "x ours",
    "db kB",
    "statements",
    "round trips",
    "page kB",
];

/// One table for one fleet.
pub(crate) fn race(race: &Race) -> String {
    let mut table = Table::new(&HEAD);
    let mut notes = String::new();
    for outcome in &race.outcomes {
        match &outcome.out {
            None => table.row(cells(race, outcome)),
            Some(reason) => {
                table.row(vec![outcome.kind.name(), "out".to_owned()]);
                notes.push_str(&format!(
                    "{} is out: {reason}\n",
                    outcome.kind.name().trim()
                ));
            }
        }
    }
    let Shape { live, builds, .. } = race.shape;
    let counted = race.outcome(Kind::Ours).and_then(|it| it.counted);
    let (agents, apps) = counted.unwrap_or_default();
    let agreed = race
        .outcomes
        .iter()
        .filter(|it| it.counted.is_some() && it.out.is_none());
    let mut text = format!(
        "{}: {live} live agents, {builds} builds a workspace. {} count the same {agents} agents \
         and {apps} apps.\n\n{}",
        race.shape.name(),
        agreed.count(),
        table.text(0)
    );
    if race.outcome(Kind::EachAgent).is_some() {
        text.push_str(
            "* some agents' apps are asked for, the rest multiplied\n\
             ** asks at intervals: its statements by its log, and one scrape; on the wire, its \
             connection too\n",
        );
    }
    text + &notes
}

fn cells(race: &Race, outcome: &Outcome) -> Vec<String> {
    let times = outcome.times.as_ref();
    let time = |of: fn(&Spread) -> f64| or_dash(times.map(of).map(milliseconds));
    let ratio = |to| {
        let ratio = outcome.median().zip(race.median(to));
        or_dash(ratio.map(|(own, other)| format!("{:.2}", own / other)))
    };
    let server = race
        .server_seconds(outcome.kind)
        .zip(race.server_seconds(Kind::Ours));
    let server_ratio = server.map(|(own, ours)| format!("{:.2}", own / ours));
    let wire = outcome.wire.as_ref();
    let is_shared = matches!(outcome.kind, Kind::EachAgent);
    let memory = (!is_shared).then(|| mebibytes(outcome.peak_memory_bytes));
    let processor =
        |time: std::time::Duration| or_dash((!is_shared).then(|| milliseconds(time.as_secs_f64())));
    vec![
        outcome.kind.name(),
        time(Spread::median),
        time(Spread::least),
        time(Spread::most),
        ratio(Kind::Floor),
        ratio(Kind::Ours),
        or_dash(memory),
        processor(outcome.own_processor),
        processor(outcome.server_processor),
        or_dash(server_ratio.filter(|_| !is_shared)),
        or_dash(wire.map(|it| kilobytes(it.bytes_sent + it.bytes_received))),
        or_dash(wire.map(|it| it.statements.to_string())),
        or_dash(wire.map(|it| it.round_trips.to_string())),
        or_dash(outcome.page_bytes.map(kilobytes)),
    ]
}

/// Where the time goes.
pub(crate) fn phases(shape: Shape, phases: &[Phase]) -> String {
    let mut table = Table::new(&["a scrape, by phase", "median ms", "measured by"]);
    for phase in phases {
        let time = or_dash(phase.seconds.map(milliseconds));
        table.row(vec![phase.name.to_owned(), time, phase.source.to_owned()]);
    }
    format!("{}: where the time goes\n\n{}", shape.name(), table.text(1))
}

/// From nothing to an answer.
pub(crate) fn startup(shape: Shape, startup: &Startup) -> String {
    let median = |it: &Option<Spread>| or_dash(it.as_ref().map(|it| milliseconds(it.median())));
    format!(
        "Start: {} ms from exec until it takes connections, {} ms until the first scrape of {} \
         is answered. The program is {} MiB.\n",
        median(&startup.listening),
        median(&startup.scraped),
        shape.name(),
        mebibytes(startup.binary_bytes)
    )
}

/// What was wanted, and what is.
pub(crate) fn targets(races: &[Race]) -> String {
    let mut table = Table::new(&["target", "fleet", "wanted", "measured", ""]);
    for target in targets::targets(races) {
        let (measured, verdict) = match target.measured {
            Some((measured, true)) => (measured, "met"),
            Some((measured, false)) => (measured, "NOT met"),
            None => ("-".to_owned(), "not measured"),
        };
        table.row(vec![
            target.what.to_owned(),
            target.shape.name(),
            target.target,
            measured,
            verdict.to_owned(),
        ]);
    }
    table.text(1)
}

fn race_json(race: &Race) -> Value {
    json!({
        "shape": race.shape.name(),
        "live": race.shape.live,
        "builds": race.shape.builds,
        "contestants": race.outcomes.iter().map(outcome_json).collect::<Vec<_>>(),
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "name": outcome.kind.name().trim(),
        "out": outcome.out,
        "median_seconds": outcome.median(),
        "seconds": outcome.times.as_ref().map(|it| &it.sorted),
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "own_processor_seconds": outcome.own_processor.as_secs_f64(),
        "postgres_processor_seconds": outcome.server_processor.as_secs_f64(),
        "page_bytes": outcome.page_bytes,
        "agents": outcome.counted.map(|it| it.0),
        "apps": outcome.counted.map(|it| it.1),
        "wire": outcome.wire.as_ref().map(|it| json!({
            "bytes_sent": it.bytes_sent,
            "bytes_received": it.bytes_received,
            "statements": it.statements,
            "round_trips": it.round_trips,
        })),
    })
}

fn phase_json(phase: &Phase) -> Value {
    json!({"name": phase.name, "median_seconds": phase.seconds, "measured_by": phase.source})
}

fn startup_json(startup: &Startup) -> Value {
    json!({
        "listening_median_seconds": startup.listening.as_ref().map(Spread::median),
        "first_scrape_median_seconds": startup.scraped.as_ref().map(Spread::median),
        "binary_bytes": startup.binary_bytes,
    })
}
