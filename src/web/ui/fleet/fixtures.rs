//! A page's data for tests.

use std::time::Duration;

use crate::error::Failure;
use crate::fleet::fixtures::at;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::health_history::HealthHistory;
use crate::incident::membership::Membership;
use crate::web::links::Links;

use super::View;
use super::query::Query;

/// A collection with this fleet, or this failure.
pub(super) fn collection(fleet: Result<FleetStats, Failure>) -> CollectionResult {
    CollectionResult {
        fleet,
        reports: Vec::new(),
        clock_skew_seconds: None,
    }
}

/// The view of a collection that has just been made, without incidents.
pub(super) fn view<'a>(collection: &'a CollectionResult, query: &'a Query) -> View<'a> {
    static LINKS: std::sync::LazyLock<Links> = std::sync::LazyLock::new(Links::default);
    static HISTORY: std::sync::LazyLock<HealthHistory> =
        std::sync::LazyLock::new(HealthHistory::default);
    View {
        links: &LINKS,
        probe: None,
        collection,
        incidents: &[],
        ended: &[],
        membership: Membership::default(),
        health_history: &HISTORY,
        coder_trouble: None,
        disagreements: 0,
        inactive_timeout: Duration::from_secs(30),
        now: at(0),
        query,
    }
}
