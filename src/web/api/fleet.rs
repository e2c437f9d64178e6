//! `/api/v1/fleet`: the counts of the whole fleet.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::clock::wall_clock;
use crate::coder_watch::CoderWatch;
use crate::fleet::report::fleet_summary::FleetSummary;
use crate::probe::Probe;
use crate::web::state::App;

use super::answer::tagged;
use super::problem::Problem;
use super::query;

/// The summary of the fleet; 503 if the database did not answer.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query::nothing(query.as_deref().unwrap_or_default())?;
    let collection = app.collection_or_problem().await?;
    let fleet = collection.fleet.as_ref().map_err(Problem::failed)?;
    let probe = app.settings.probe.as_ref().map(Probe::stats);
    let coder = app.settings.coder.as_ref().map(CoderWatch::answers);
    let content = FleetSummary::of(&collection, fleet, probe.as_ref(), coder.as_ref());
    // The database's present, from our own: it is not asked again for this.
    let skew = collection.clock_skew_seconds;
    let age = skew.map(|skew| wall_clock().seconds_since(fleet.snapshot.now) - skew);
    let body = FleetSummary {
        age_seconds: age,
        ..content.clone()
    };
    Ok(tagged(&headers, &content, &body))
}
