//! The section about the exporter: failures, and the age of the data.

use maud::{Markup, html};

use crate::dialer::AnyDialer;
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::{CollectionResult, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::probe::Probe;
use crate::web::ui::moments::since;
use crate::web::ui::parts::{counted, percent};

use super::View;

/// Clock skew from which it is shown. Clocks that NTP synchronizes differ by less.
const REMARKABLE_SKEW_SECONDS: f64 = 2.0;

/// Replication lag from which it is shown. A healthy standby lags by less.
const REMARKABLE_LAG_SECONDS: f64 = 10.0;

/// Renders data age, collectors and failures.
pub(super) fn exporter(view: &View<'_>) -> Markup {
    let collection = view.collection;
    let fleet = collection.fleet.as_ref().ok();
    html! {
        section class="card" aria-labelledby="exporter" data-key="exporter" {
            h2 id="exporter" { "This exporter" }
            dl class="facts" {
                dt { "Data" }
                dd { (age_of_data(view, fleet)) }
                dt { "Collectors" }
                dd { (collectors(collection)) }
                @if let Some(lag) = fleet.and_then(|it| it.snapshot.replica_lag_seconds) {
                    dt { "Replica" }
                    dd { (replica(lag)) }
                }
                (clocks(collection, fleet))
                dt { "Probe" }
                dd { (probe(view)) }
            }
            (failures(collection))
        }
    }
}

fn age_of_data(view: &View<'_>, fleet: Option<&FleetStats>) -> Markup {
    html! {
        @match fleet {
            Some(fleet) => { (since(fleet.snapshot.now, view.now)) " old" },
            None => span class="bad" { "none: the database does not answer" },
        }
    }
}

fn collectors(collection: &CollectionResult) -> Markup {
    let total = collection.reports.len();
    let works = |it: &&CollectorReport| matches!(it.outcome, Outcome::Loaded { .. });
    let working = collection.reports.iter().filter(works).count();
    let unsupported = collection.reports.iter().filter_map(|it| match it.outcome {
        Outcome::Unsupported { missing } => Some((it.collector.as_str(), missing)),
        _ => None,
    });
    html! {
        @if working == total {
            "all " (total) " work"
        } @else {
            (working) " of " (total) " work"
            @for (collector, missing) in unsupported {
                span class="faint" { "; " (collector) ": this Coder has no " (missing) }
            }
        }
    }
}

fn replica(lag: f64) -> Markup {
    let shown = format!("{lag:.1} s behind");
    html! {
        @if lag > REMARKABLE_LAG_SECONDS { span class="bad" { (shown) } } @else { (shown) }
    }
}

/// Clock skew and replication lag, if they are large.
fn clocks(collection: &CollectionResult, fleet: Option<&FleetStats>) -> Markup {
    let is_remarkable = |it: &f64| it.abs() > REMARKABLE_SKEW_SECONDS;
    let skew = collection.clock_skew_seconds.filter(is_remarkable);
    let lead = fleet.and_then(FleetStats::heartbeat_lead_seconds);
    // Behind is what a heartbeat of a while ago looks like.
    let lead = lead.filter(|it| *it > REMARKABLE_SKEW_SECONDS);
    html! {
        @if skew.is_some() || lead.is_some() {
            dt { "Clocks" }
            dd class="bad" {
                @if let Some(skew) = skew {
                    "this machine is " (side(skew)) " the database. "
                }
                @if let Some(lead) = lead {
                    "Coder is " (side(lead)) " the database. "
                }
                "Use one time source for all machines."
            }
        }
    }
}

fn side(seconds: f64) -> String {
    let side = if seconds < 0.0 { "behind" } else { "ahead of" };
    format!("{:.1} s {side}", seconds.abs())
}

fn probe(view: &View<'_>) -> Markup {
    let link = view.links.here("/probes");
    html! {
        @match view.probe {
            None => { "off; " a href=(link) { "about the probe" } },
            Some(probe) => a href=(link) { (probed(probe)) },
        }
    }
}

fn probed(probe: &Probe<AnyDialer>) -> String {
    let stats = probe.stats();
    let Some(disagreements) = stats.disagreements else {
        return "on, no round has ended yet".to_owned();
    };
    let disagreeing: u64 = disagreements.iter().map(|it| it.2).sum();
    let coverage = stats.coverage.map(|it| {
        let reached = percent((it * 1000.0).round() as u64, 1000);
        format!(", {reached} of the workspaces in scope probed")
    });
    format!(
        "{} with the database{}",
        counted(disagreeing, "disagreement"),
        coverage.unwrap_or_default()
    )
}

/// The messages of failures, which include what to do.
pub(super) fn failures(collection: &CollectionResult) -> Markup {
    html! {
        @for (collector, failure) in collection.failures() {
            @if let Some(collector) = collector {
                p class="warning" data-key=(collector.as_str()) {
                    b { "Collector " (collector.as_str()) " failed: " } (failure)
                }
            }
        }
    }
}
