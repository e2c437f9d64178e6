//! The targets of `docs/spec/performance.md`, and what was measured.

use crate::contestants::{Kind, Queries};
use crate::race::Race;
use crate::shapes::Shape;

/// One target at one fleet.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) shape: Shape,
    pub(crate) target: String,
    /// `None` where it was not measured.
    pub(crate) measured: Option<(String, bool)>,
}

const TEN: Shape = Shape::TEN_THOUSAND;
const HUNDRED: Shape = Shape::HUNDRED_THOUSAND;
const MEBIBYTE: f64 = 1_048_576.0;

/// All of them, in the order of the specification.
pub(crate) fn targets(races: &[Race]) -> Vec<Target> {
    let ratio = |shape, of: Kind, to: Kind| {
        let race = find(races, shape)?;
        Some(race.median(of)? / race.median(to)?)
    };
    let ours = |shape, to| ratio(shape, Kind::Ours, to);
    let other = |shape, queries: &[Queries]| {
        let ratios = queries
            .iter()
            .filter_map(|queries| ours(shape, Kind::PostgresExporter(*queries)));
        // The faster it is, the greater our share.
        ratios.max_by(f64::total_cmp)
    };
    let three = [Queries::Usual, Queries::NotExists];
    let one = [Queries::OneStatement];
    let mut targets = vec![
        at_most("floor", TEN, 1.15, "x", ours(TEN, Kind::Floor)),
        at_most("floor", HUNDRED, 1.15, "x", ours(HUNDRED, Kind::Floor)),
        at_most("Coder's two queries", TEN, 0.6, "x", ours(TEN, Kind::Coder)),
        at_most(
            "Coder's two queries",
            HUNDRED,
            0.45,
            "x",
            ours(HUNDRED, Kind::Coder),
        ),
    ];
    for (shape, most) in [(TEN, 1.0), (HUNDRED, 0.75), (Shape::DEEP, 1.0)] {
        let what = "postgres_exporter, three statements";
        targets.push(at_most(what, shape, most, "x", other(shape, &three)));
        let what = "postgres_exporter, one statement";
        targets.push(at_most(what, shape, most, "x", other(shape, &one)));
    }
    for shape in [TEN, HUNDRED] {
        let times = ratio(shape, Kind::EachAgent, Kind::OursFarAway);
        targets.push(at_least("one app query per agent", shape, 50.0, times));
    }
    let median = |shape| find(races, shape)?.median(Kind::Ours);
    let deeper = median(Shape::DEEP).zip(median(Shape::SHALLOW));
    let deeper = deeper.map(|(deep, shallow)| deep / shallow);
    targets.push(at_most(
        "600 old builds against 10",
        Shape::DEEP,
        1.5,
        "x",
        deeper,
    ));
    for (shape, most) in [(TEN, 24.0), (HUNDRED, 64.0), (Shape::MILLION, 300.0)] {
        let outcome = find(races, shape).and_then(|it| it.outcome(Kind::Ours));
        let peak = outcome.map(|it| it.peak_memory_bytes as f64 / MEBIBYTE);
        targets.push(at_most("peak memory", shape, most, " MiB", peak));
    }
    let young = find(races, HUNDRED).and_then(|it| it.median(Kind::Young));
    let young = young.map(|seconds| seconds * 1000.0);
    targets.push(at_most("from a young pass", HUNDRED, 2.0, " ms", young));
    for shape in [TEN, HUNDRED, Shape::DEEP] {
        let outcome = find(races, shape).and_then(|it| it.outcome(Kind::Ours));
        let wire = outcome.and_then(|it| it.wire.as_ref());
        let trips = wire.map(|it| it.round_trips as f64);
        targets.push(at_most("round trips of a pass", shape, 6.0, "", trips));
    }
    targets.extend(constant_statements(races));
    targets
}

/// Their number does not depend on the number of rows: seen only where there are several fleets.
fn constant_statements(races: &[Race]) -> Option<Target> {
    let numbers = races.iter().filter_map(|race| {
        let wire = race.outcome(Kind::Ours)?.wire.as_ref()?;
        Some((race.shape, wire.statements))
    });
    let numbers: Vec<_> = numbers.collect();
    let (shape, first) = *numbers.last().filter(|_| numbers.len() > 1)?;
    let is_constant = numbers.iter().all(|(_, number)| *number == first);
    let said: Vec<String> = numbers.iter().map(|it| it.1.to_string()).collect();
    Some(Target {
        what: "statements of a pass, at every fleet",
        shape,
        target: "constant".to_owned(),
        measured: Some((said.join(", "), is_constant)),
    })
}

fn find(races: &[Race], shape: Shape) -> Option<&Race> {
    races.iter().find(|it| it.shape == shape)
}

fn at_most(
    what: &'static str,
    shape: Shape,
    most: f64,
    unit: &str,
    measured: Option<f64>,
) -> Target {
    Target {
        what,
        shape,
        target: format!("<= {most}{unit}"),
        measured: measured.map(|it| (format!("{it:.2}{unit}"), it <= most)),
    }
}

fn at_least(what: &'static str, shape: Shape, least: f64, measured: Option<f64>) -> Target {
    Target {
        what,
        shape,
        target: format!(">= {least}x faster"),
        measured: measured.map(|it| (format!("{it:.0}x faster"), it >= least)),
    }
}
