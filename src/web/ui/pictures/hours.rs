//! The chart of problems by class over the last hours, with the number of healthy agents below.
//! Times without a collection are a gap, because their counts are unknown.

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::health_history::Point;
use crate::web::ui::moments::clock_time;
use crate::web::ui::parts::{counted, number};

use super::coordinate;

const WIDTH: f64 = 360.0;

/// Points that are further apart than this are not connected. Most scrape intervals are a minute or
/// less.
const GAP_SECONDS: f64 = 180.0;

/// A line of fewer points would be a dot: one a minute.
const FEW: usize = 3;

/// Possible periods of the chart. The shortest one that holds all points is used.
const SPANS: [(f64, &str); 4] = [
    (1800.0, "30 min"),
    (3600.0, "1 h"),
    (3.0 * 3600.0, "3 h"),
    (6.0 * 3600.0, "6 h"),
];

const PROBLEMS: [Health; 7] = [
    Health::Disconnected,
    Health::Terminated,
    Health::StuckConnecting,
    Health::ConnectTimeout,
    Health::StartError,
    Health::StuckCreated,
    Health::StuckStarting,
];

/// The period of a chart.
#[derive(Clone, Copy)]
struct Frame {
    now: Timestamp,
    seconds: f64,
}

impl Frame {
    fn x_of(self, point: &Point) -> f64 {
        let part = 1.0 - self.now.seconds_since(point.at) / self.seconds;
        part.clamp(0.0, 1.0) * WIDTH
    }

    /// Maximum distance of connected points.
    fn gap(self) -> f64 {
        GAP_SECONDS / self.seconds * WIDTH
    }
}

/// Horizontal position, and lower and upper count.
type Edge = (f64, u64, u64);

/// A class in the stacked chart.
struct Layer {
    class: &'static str,
    edges: Vec<Edge>,
}

/// Renders the chart of the points up to `now`.
pub(in crate::web::ui) fn hours<'a>(
    points: impl Iterator<Item = &'a Point>,
    now: Timestamp,
) -> Markup {
    let points: Vec<_> = points.collect();
    let oldest = points.first().map_or(0.0, |it| now.seconds_since(it.at));
    let within = SPANS.iter().find(|it| oldest <= it.0);
    let (seconds, name) = within.copied().unwrap_or(SPANS[3]);
    let frame = Frame { now, seconds };
    let most = points.iter().map(|it| it.problems()).max();
    let shown = match most {
        None => "There is no data yet.".to_owned(),
        Some(0) => format!("There was no problem in the last {name}."),
        Some(most) => format!(
            "At most {} at the same time in the last {name}.",
            counted(most, "problem")
        ),
    };
    let most_well = points.iter().map(|it| well(it)).max().unwrap_or_default();
    html! {
        figure class="card" data-key="hours" {
            figcaption { h2 { "The last hours" } p class="faint" { (shown) } }
            @if points.is_empty() {}
            @else if points.len() < FEW {
                p class="faint" { "This exporter has looked for less than three minutes: the line begins then." }
                (table(&points, now))
            } @else {
                p class="axis-title faint" aria-hidden="true" { "problems, up to " (number(most.unwrap_or_default())) }
                svg class="plot" viewBox="0 0 360 100" preserveAspectRatio="none" role="img" aria-labelledby="hours-title hours-told" {
                    title id="hours-title" { "Agents with a problem over the last " (name) }
                    desc id="hours-told" { (shown) " The numbers are in the table below." }
                    @for layer in problem_layers(&points, frame) {
                        (area(&layer, frame, most.unwrap_or_default(), 100.0))
                    }
                    line class="ground" x1="0" x2="360" y1="100" y2="100" {}
                }
                p class="axis-title faint" aria-hidden="true" { "well or starting, up to " (number(most_well)) }
                svg class="plot low" viewBox="0 0 360 30" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                    (area(&well_layer(&points, frame), frame, most_well, 30.0))
                    line class="ground" x1="0" x2="360" y1="30" y2="30" {}
                }
                div class="axis ends" aria-hidden="true" { span { (name) " ago" } span { "now" } }
                (table(&points, now))
            }
        }
    }
}

fn well(point: &Point) -> u64 {
    let classes = [Health::Healthy, Health::Connecting, Health::Starting];
    classes.iter().map(|it| point.count(*it)).sum()
}

fn problem_layers(points: &[&Point], frame: Frame) -> Vec<Layer> {
    let mut floors = vec![0; points.len()];
    let mut layers = Vec::new();
    for health in PROBLEMS {
        if points.iter().all(|it| it.count(health) == 0) {
            continue;
        }
        let edges = points.iter().zip(&mut floors).map(|(point, floor)| {
            let from = *floor;
            *floor += point.count(health);
            (frame.x_of(point), from, *floor)
        });
        layers.push(Layer {
            class: health.as_str(),
            edges: edges.collect(),
        });
    }
    layers
}

fn well_layer(points: &[&Point], frame: Frame) -> Layer {
    let edges = points.iter().map(|it| (frame.x_of(it), 0, well(it)));
    Layer {
        class: Health::Healthy.as_str(),
        edges: edges.collect(),
    }
}

/// A filled area for each run of points without a gap.
fn area(layer: &Layer, frame: Frame, most: u64, height: f64) -> Markup {
    let y = |count: u64| coordinate(height - count as f64 / most.max(1) as f64 * height);
    let mut path = String::new();
    for run in runs(&layer.edges, frame.gap()) {
        let Some(last) = run.last() else { continue };
        // A point that stands alone is a minute wide.
        let end = [(last.0 + 1.0, last.1, last.2)];
        let there: Vec<_> = run.iter().chain(&end).collect();
        let top = there
            .iter()
            .map(|it| format!("{} {}", coordinate(it.0), y(it.2)));
        let bottom = there
            .iter()
            .rev()
            .map(|it| format!("{} {}", coordinate(it.0), y(it.1)));
        let outline: Vec<_> = top.chain(bottom).collect();
        path.push_str(&format!("M{}Z", outline.join("L")));
    }
    html! { path class={ "fill-" (layer.class) } d=(path) {} }
}

/// Splits the points at gaps, and removes points that are level with their neighbours.
fn runs(edges: &[Edge], gap: f64) -> Vec<Vec<Edge>> {
    let mut runs: Vec<Vec<Edge>> = Vec::new();
    for &edge in edges {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|it| edge.0 - it.0 <= gap) => extend(run, edge),
            _ => runs.push(vec![edge]),
        }
    }
    runs
}

fn extend(run: &mut Vec<Edge>, edge: Edge) {
    let is_level = |one: &Edge, other: &Edge| (one.1, one.2) == (other.1, other.2);
    match run.as_mut_slice() {
        [.., before, last] if is_level(before, last) && is_level(last, &edge) => *last = edge,
        _ => run.push(edge),
    }
}

fn table(points: &[&Point], now: Timestamp) -> Markup {
    // A dozen rows say enough.
    let step = points.len().div_ceil(12).max(1);
    html! {
        details {
            summary { "As a table" }
            table class="data" {
                thead { tr {
                    th scope="col" { "At" }
                    @for name in ["Problems", "Well or starting", "Shut down"] {
                        th scope="col" class="number" { (name) }
                    }
                } }
                tbody {
                    @for point in points.iter().rev().step_by(step) {
                        tr {
                            th scope="row" { (clock_time(point.at, now)) }
                            td class="number" { (number(point.problems())) }
                            td class="number" { (number(well(point))) }
                            td class="number" { (number(point.count(Health::Shutdown))) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gap_is_left_open_and_level_stretches_are_two_points() {
        let edges: Vec<Edge> = [0.0, 1.0, 2.0, 3.0, 9.0, 10.0]
            .into_iter()
            .map(|x| (x, 0, 5))
            .collect();
        let runs = runs(&edges, 2.0);
        assert_eq!(
            runs,
            [
                vec![(0.0, 0, 5), (3.0, 0, 5)],
                vec![(9.0, 0, 5), (10.0, 0, 5)]
            ]
        );
    }

    #[test]
    fn steps_keep_their_corners() {
        let mut run = Vec::new();
        for edge in [
            (0.0, 0, 1),
            (1.0, 0, 1),
            (2.0, 0, 4),
            (3.0, 0, 4),
            (4.0, 0, 4),
        ] {
            extend(&mut run, edge);
        }
        let corners: Vec<_> = run.iter().map(|it| it.0).collect();
        assert_eq!(corners, [0.0, 1.0, 2.0, 4.0]);
    }

    #[test]
    fn area_goes_along_the_top_and_back_along_the_bottom() {
        let now = Timestamp::from_unix_micros(0);
        let frame = Frame {
            now,
            seconds: 360.0,
        };
        let layer = Layer {
            class: "disconnected",
            edges: vec![(10.0, 0, 5), (20.0, 0, 10)],
        };
        let shown = area(&layer, frame, 10, 100.0).into_string();
        let path = "M10 50L20 0L21 0L21 100L20 100L10 100Z";
        assert!(shown.contains(path), "{shown}");
    }

    #[test]
    fn nothing_seen_is_said_and_not_drawn_as_zero() {
        let now = Timestamp::from_unix_micros(0);
        let shown = hours(std::iter::empty(), now).into_string();
        assert!(shown.contains("There is no data yet."));
        assert!(!shown.contains("<svg"), "{shown}");
    }
}
