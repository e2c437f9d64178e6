//! What a row may cost, and what it did cost when the limit was set.
//!
//! A cost above its limit fails `scripts/check-cost`. Then either find what the change does for
//! each row that it did not do before (`callgrind_annotate target/cost.callgrind`), or, where it is
//! worth its price, put the new figures here and say in the commit what was bought with them.
//! A cost that is well below its limit is worth as much care: lower the limit, or the next
//! change takes back what this one gave.

use crate::rows::Row;

/// What was measured, and the limit: half an allocation more, 5 % more bytes, 10 % more instructions.
/// From run to run allocations and bytes differ by less than one in a hundred, instructions by one
/// or two, and from processor to processor by what its string functions are written for; those of
/// a sample, which few are counted for, by up to five, so they have 15 % more.
type Bound = (f64, f64);

struct Limit {
    what: &'static str,
    allocations: Bound,
    bytes: Bound,
    instructions: Bound,
}

const fn limit(what: &'static str, allocations: Bound, bytes: Bound, instructions: Bound) -> Limit {
    Limit {
        what,
        allocations,
        bytes,
        instructions,
    }
}

#[rustfmt::skip]
const LIMITS: [Limit; 13] = [
    //                                                     allocations     bytes             instructions
    limit("decode, an agent",                               ( 2.60,  3.10), (1036.0, 1088.0), (15330.0, 16860.0)),
    limit("classify, an agent",                             ( 0.00,  0.50), (   9.0,   10.0), (  717.0,   789.0)),
    limit("compare with the collection before, an agent",   ( 0.00,  0.50), (   0.0,    1.0), (  599.0,   659.0)),
    limit("count for the service level, an agent",          ( 0.00,  0.50), (   0.0,    1.0), (  113.0,   124.0)),
    limit("distributions of start-ups, an agent",           ( 0.00,  0.50), ( 134.0,  141.0), ( 4470.0,  4920.0)),
    limit("find incidents, an agent",                       ( 0.00,  0.50), (  59.0,   62.0), ( 2182.0,  2400.0)),
    limit("a whole pass, an agent",                         ( 3.63,  4.13), (1292.0, 1357.0), (20577.0, 22640.0)),
    limit("Text, an agent with series of its own",          ( 0.00,  0.50), ( 542.0,  569.0), ( 9400.0, 10340.0)),
    limit("OpenMetrics, an agent with series of its own",   ( 0.00,  0.50), ( 542.0,  569.0), (11710.0, 12890.0)),
    limit("Protobuf, an agent with series of its own",      (44.90, 45.40), ( 497.0,  522.0), (31330.0, 34460.0)),
    limit("Text, a sample of a count",                      ( 0.03,  0.53), ( 113.0,  119.0), ( 2033.0,  2340.0)),
    limit("OpenMetrics, a sample of a count",               ( 0.03,  0.53), ( 113.0,  119.0), ( 2768.0,  3190.0)),
    limit("Protobuf, a sample of a count",                  (13.52, 14.02), (  85.0,   90.0), ( 7990.0,  9190.0)),
];

/// Below this part of its limit a cost is said to have gone down.
const WELL_BELOW: f64 = 0.85;

/// Prints the table; what is above its limit comes back, a sentence each.
pub(crate) fn compare(rows: &[Row]) -> Vec<String> {
    println!(
        "{:<46} {:<13} {:>9} {:>9}",
        "one more costs", "", "measured", "limit"
    );
    let compared = rows.iter().flat_map(compare_row);
    compared.flatten().collect()
}

fn compare_row(row: &Row) -> [Option<String>; 3] {
    let limit = LIMITS.iter().find(|it| it.what == row.what);
    let limit = limit.unwrap_or_else(|| panic!("{} has no limit: set one", row.what));
    let costs = [
        ("allocations", row.allocations, limit.allocations),
        ("bytes", row.bytes, limit.bytes),
        ("instructions", row.instructions, limit.instructions),
    ];
    costs.map(|(unit, cost, (before, most))| {
        let verdict = match cost {
            _ if cost > most => "TOO MUCH",
            _ if cost < most * WELL_BELOW - 1.0 => "lower the limit",
            _ => "",
        };
        let what = &row.what;
        println!("{what:<46} {unit:<13} {cost:>9.2} {most:>9.2} {verdict}");
        let complaint = format!(
            "{what}: {cost:.2} {unit}, {before:.2} when the limit of {most:.2} was set; \
             tests/cost/limits.rs says what to do"
        );
        (cost > most).then_some(complaint)
    })
}
