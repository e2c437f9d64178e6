//! The targets of `docs/spec/performance.md`, and what was measured.

use crate::contestants::{Kind, Queries, shipped};
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

/// How much more memory a program takes that is linked to glibc than the one that is shipped.
const GLIBC: f64 = 1.25;

const ALONE: Kind = Kind::PostgresExporter(Queries::OneStatementAlone);
const WITH_WORKERS: Kind = Kind::PostgresExporter(Queries::OneStatement);

/// All of them, in the order of the specification. What they are called, and their limits, is what
/// its table says.
pub(crate) fn targets(races: &[Race]) -> Vec<Target> {
    let races = Races(races);
    let mut targets = against_one_statement(races);
    for (limit, shape) in Limit::list("wall, all default collectors ÷ Coder's own two queries")
        .each([TEN, TEN.narrow(), HUNDRED, HUNDRED.narrow()])
    {
        targets.push(limit.of(shape, races.wall(shape, Kind::Ours, Kind::Coder)));
    }
    let far = Limit::list("wall, the same 2 ms away ÷ one app query per agent");
    for (limit, shape) in far.each([TEN, HUNDRED]) {
        targets.push(limit.of(shape, races.wall(shape, Kind::OursFarAway, Kind::EachAgent)));
    }
    let deep = races.median(Shape::DEEP, Kind::Ours);
    let deeper = deep.zip(races.median(Shape::SHALLOW, Kind::Ours));
    let deeper = deeper.map(|(deep, shallow)| deep / shallow);
    let limits = Limit::list("wall, deep ÷ the same live agents with 10 builds");
    targets.extend(
        limits
            .each([Shape::DEEP])
            .map(|(it, shape)| it.of(shape, deeper)),
    );
    let peaks = Limit::list("peak memory of the shipped program at 10k / 100k / 1M, MiB");
    for (limit, shape) in peaks.each([TEN, HUNDRED, Shape::MILLION]) {
        let outcome = races.find(shape).and_then(|it| it.outcome(Kind::Ours));
        let more = if shipped().is_some() { 1.0 } else { GLIBC };
        let peak = outcome.map(|it| it.peak_memory_bytes as f64 / MEBIBYTE / more);
        targets.push(limit.of(shape, peak));
    }
    let young = races.median(HUNDRED, Kind::Young).map(|it| it * 1000.0);
    let limits = Limit::list("a scrape from a collection that is young enough, 100k, ms");
    targets.extend(
        limits
            .each([HUNDRED])
            .map(|(it, shape)| it.of(shape, young)),
    );
    let million = races.median(Shape::MILLION, Kind::Ours);
    let limits = Limit::list("a scrape of 1M, s");
    targets.extend(
        limits
            .each([Shape::MILLION])
            .map(|(it, shape)| it.of(shape, million)),
    );
    let limits = Limit::list("incidents of a collection, ms (`scripts/incidents`)");
    targets.extend(
        limits
            .each([TEN, HUNDRED])
            .map(|(it, shape)| it.of(shape, None)),
    );
    let trips = Limit::list("times the exporter waits for the server in a collection");
    for (limit, shape) in trips.each([TEN, HUNDRED, Shape::DEEP]) {
        let outcome = races.find(shape).and_then(|it| it.outcome(Kind::Ours));
        let wire = outcome.and_then(|it| it.wire.as_ref());
        targets.push(limit.of(shape, wire.map(|it| it.round_trips as f64)));
    }
    targets.extend(races.constant_statements());
    targets
}

/// What the server does for the counts of agents and apps, by us and by one statement in SQL.
fn against_one_statement(races: Races<'_>) -> Vec<Target> {
    const SHAPES: [Shape; 4] = [TEN, TEN.narrow(), HUNDRED, HUNDRED.narrow()];
    let seconds = |shape, kind| races.find(shape)?.server_seconds(kind);
    let counts = |shape| seconds(shape, Kind::AgentsAndApps);
    let limits = Limit::list("server CPU, agents and apps collectors ÷ one statement");
    let targets = limits.each(SHAPES).map(|(limit, shape)| {
        let best = [WITH_WORKERS, ALONE].into_iter();
        let best = best
            .filter_map(|it| seconds(shape, it))
            .min_by(f64::total_cmp);
        limit.of(
            shape,
            counts(shape).zip(best).map(|(ours, best)| ours / best),
        )
    });
    let mut targets: Vec<_> = targets.collect();
    let limits = Limit::list("server CPU, the other default collectors ÷ agents and apps");
    targets.extend(limits.each(SHAPES).map(|(limit, shape)| {
        let all = seconds(shape, Kind::Ours).zip(counts(shape));
        limit.of(
            shape,
            all.map(|(all, counts)| (all - counts).max(0.0) / counts),
        )
    }));
    let limits = Limit::list("wall, agents and apps collectors ÷ one statement with workers");
    for (limit, shape) in limits.each(SHAPES) {
        let wall = races.wall(shape, Kind::AgentsAndApps, WITH_WORKERS);
        targets.push(limit.of(shape, wall));
    }
    targets
}

#[derive(Clone, Copy)]
struct Races<'a>(&'a [Race]);

impl Races<'_> {
    fn find(&self, shape: Shape) -> Option<&Race> {
        self.0.iter().find(|it| it.shape == shape)
    }

    fn median(&self, shape: Shape, kind: Kind) -> Option<f64> {
        self.find(shape)?.median(kind)
    }

    fn wall(&self, shape: Shape, of: Kind, to: Kind) -> Option<f64> {
        Some(self.median(shape, of)? / self.median(shape, to)?)
    }

    /// Their number does not depend on the number of rows: seen only where there are several fleets.
    fn constant_statements(&self) -> Option<Target> {
        let numbers = self.0.iter().filter_map(|race| {
            let wire = race.outcome(Kind::Ours)?.wire.as_ref()?;
            Some((race.shape, wire.statements))
        });
        let numbers: Vec<_> = numbers.collect();
        let (shape, first) = *numbers.last().filter(|_| numbers.len() > 1)?;
        let is_constant = numbers.iter().all(|(_, number)| *number == first);
        let said: Vec<String> = numbers.iter().map(|it| it.1.to_string()).collect();
        Some(Target {
            what: "statements of a collection, whatever the number of rows",
            shape,
            target: "constant".to_owned(),
            measured: Some((said.join(", "), is_constant)),
        })
    }
}

/// A limit of the specification.
#[derive(Clone, Copy)]
struct Limit {
    what: &'static str,
    most: f64,
}

/// The limits of one row: one for all fleets, or one for each size of fleets.
struct Limits {
    what: &'static str,
    most: Vec<f64>,
}

impl Limit {
    /// Those in the row of this name.
    fn list(what: &'static str) -> Limits {
        const PAGE: &str = include_str!("../../docs/spec/performance.md");
        let row = PAGE.lines().find_map(|line| {
            let rest = line.strip_prefix("| ")?.strip_prefix(what)?;
            rest.strip_prefix(" | ")
        });
        let most = row.map(numbers).unwrap_or_default();
        assert!(
            !most.is_empty(),
            "docs/spec/performance.md has no limit of {what}"
        );
        Limits { what, most }
    }

    fn of(self, shape: Shape, measured: Option<f64>) -> Target {
        let Self { what, most } = self;
        let digits = if most < 0.1 { 4 } else { 2 };
        Target {
            what,
            shape,
            target: format!("<= {most}"),
            measured: measured.map(|it| (format!("{it:.digits$}"), it <= most)),
        }
    }
}

impl Limits {
    /// A limit for each of these fleets, which are in the order of their sizes.
    fn each<const N: usize>(self, shapes: [Shape; N]) -> impl Iterator<Item = (Limit, Shape)> {
        let mut sizes: Vec<u32> = shapes.iter().map(|it| it.live).collect();
        sizes.dedup();
        let Self { what, most } = self;
        shapes.into_iter().map(move |shape| {
            let size = sizes.iter().position(|it| *it == shape.live);
            let most = *size.and_then(|it| most.get(it)).unwrap_or(&most[0]);
            (Limit { what, most }, shape)
        })
    }
}

/// The numbers behind each `≤`: one, or several between slashes.
fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split('≤').skip(1);
    let parts = parts.flat_map(|part| {
        let words = part.split_whitespace().filter(|it| *it != "/");
        words.map_while(|it| it.trim_end_matches(',').parse().ok())
    });
    parts.collect()
}
