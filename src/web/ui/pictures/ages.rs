//! The chart of heartbeat ages, with the timeout after which an agent is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use crate::fleet::stats::fleet_stats::FleetStats;
use crate::web::ui::parts::{counted, number};

use super::coordinate;

const COLUMN: f64 = 10.0;
const HEIGHT: f64 = 100.0;

/// From this timeout on, columns are named in minutes: seconds would have too many digits.
const IN_MINUTES: f64 = 300.0;

/// One column: upper bound in seconds, and number of agents.
type Bucket = (f64, u64);

/// Renders the chart for the whole fleet.
pub(in crate::web::ui) fn ages(fleet: &FleetStats, limit: Duration) -> Markup {
    drawn(&together(fleet), limit.as_secs_f64())
}

/// The sum of the histograms of all scopes and kinds, which have the same bounds.
fn together(fleet: &FleetStats) -> Vec<Bucket> {
    let mut buckets: BTreeMap<usize, Bucket> = BTreeMap::new();
    for agent_counts in fleet.agents.iter().flat_map(BTreeMap::values) {
        for (index, (bound, count)) in agent_counts.heartbeat_ages.buckets().enumerate() {
            buckets.entry(index).or_insert((bound, 0)).1 += count;
        }
    }
    buckets.into_values().collect()
}

fn drawn(buckets: &[Bucket], limit: f64) -> Markup {
    let all: u64 = buckets.iter().map(|it| it.1).sum();
    let late = buckets.iter().filter(|it| it.0 > limit);
    let late: u64 = late.map(|it| it.1).sum();
    let within = buckets.iter().filter(|it| it.0 <= limit).count();
    let shown = format!(
        "{} with an open connection, {} of them silent for longer than {limit} s.",
        counted(all, "agent"),
        number(late)
    );
    html! {
        figure class="card" data-key="ages" {
            figcaption { h2 { "Last heartbeats" } p class="faint" { (shown) } }
            @if all > 0 {
                (columns(buckets, limit, within, &shown))
                div class="axis columns" aria-hidden="true" {
                    @for (bound, _) in buckets { span { (bound_name(*bound, limit)) } }
                }
                p class="axis-title faint" aria-hidden="true" { (unit(limit).0) " ago, up to" }
                (table(buckets))
            }
        }
    }
}

fn columns(buckets: &[Bucket], limit: f64, within: usize, shown: &str) -> Markup {
    let most = buckets
        .iter()
        .map(|it| it.1)
        .max()
        .unwrap_or_default()
        .max(1);
    let width = buckets.len() as f64 * COLUMN;
    let line = coordinate(within as f64 * COLUMN);
    let height = |count: u64| match count {
        0 => 0.0,
        count => (count as f64 / most as f64 * HEIGHT).max(2.0),
    };
    html! {
        div class="counts columns" aria-hidden="true" {
            @for (_, count) in buckets { span { @if *count > 0 { (number(*count)) } } }
        }
        svg class="plot" viewBox={ "0 0 " (coordinate(width)) " 100" } preserveAspectRatio="none"
            role="img" aria-labelledby="ages-title ages-told" {
            title id="ages-title" { "Agents by the age of their last heartbeat" }
            desc id="ages-told" { (shown) }
            @for (index, (bound, count)) in buckets.iter().enumerate() {
                rect class=(colour(*bound, limit)) x=(coordinate(index as f64 * COLUMN + 1.0))
                    y=(coordinate(HEIGHT - height(*count))) width="8" height=(coordinate(height(*count))) {}
            }
            line class="limit" x1=(line) x2=(line) y1="0" y2="100" {}
        }
    }
}

/// The colour of a column. From 0.6 of the timeout a heartbeat was missed.
fn colour(bound: f64, limit: f64) -> &'static str {
    if bound > limit {
        "fill-disconnected"
    } else if bound > limit * 0.6 {
        "fill-late"
    } else {
        "fill-healthy"
    }
}

/// What the columns are named in, and how many seconds it has.
fn unit(limit: f64) -> (&'static str, f64) {
    match limit < IN_MINUTES {
        true => ("seconds", 1.0),
        false => ("minutes", 60.0),
    }
}

fn bound_name(bound: f64, limit: f64) -> String {
    match bound.is_finite() {
        true => coordinate(bound / unit(limit).1),
        false => "∞".to_owned(),
    }
}

fn table(buckets: &[Bucket]) -> Markup {
    html! {
        details {
            summary { "As a table" }
            table class="data" {
                thead { tr { th scope="col" { "Last heartbeat, seconds ago" } th scope="col" class="number" { "Agents" } } }
                tbody {
                    @for (index, (bound, count)) in buckets.iter().enumerate() {
                        @let from = index.checked_sub(1).and_then(|it| buckets.get(it)).map_or(0.0, |it| it.0);
                        tr {
                            th scope="row" {
                                @if bound.is_finite() { (coordinate(from)) " to " (coordinate(*bound)) }
                                @else { "more than " (coordinate(from)) }
                            }
                            td class="number" { (number(*count)) }
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
    fn limit_stands_between_those_within_and_those_beyond_it() {
        let buckets = [(15.0, 400), (30.0, 9), (60.0, 3), (f64::INFINITY, 1)];
        let shown = drawn(&buckets, 30.0).into_string();
        assert!(shown.contains("413 agents with an open connection, 4 of them"));
        assert!(
            shown.contains(r#"class="limit" x1="20" x2="20""#),
            "{shown}"
        );
        assert!(shown.contains("more than 60"), "{shown}");
        assert_eq!(shown.matches("fill-disconnected").count(), 2);
        assert_eq!(shown.matches("fill-late").count(), 1);
    }

    #[test]
    fn long_timeout_names_its_columns_in_minutes() {
        let shown = |limit: f64| drawn(&[(limit, 1), (f64::INFINITY, 0)], limit).into_string();
        assert!(shown(299.0).contains("<span>299</span>"));
        assert!(shown(299.0).contains("seconds ago, up to"));
        assert!(shown(3600.0).contains("<span>60</span>"));
        assert!(shown(3600.0).contains("minutes ago, up to"));
    }

    #[test]
    fn no_connection_is_said_and_not_drawn() {
        let shown = drawn(&[(30.0, 0), (f64::INFINITY, 0)], 30.0).into_string();
        assert!(shown.contains("0 agents with an open connection"));
        assert!(!shown.contains("<svg"), "{shown}");
    }
}
