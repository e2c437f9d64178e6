//! `/api/v1/fleet`: the counts of the whole fleet.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::wall_clock;
use crate::coder_watch::CoderWatch;
use crate::fleet::report::fleet_summary::FleetSummary;
use crate::incident::model::Incident;
use crate::incident::report::IncidentBrief;
use crate::probe::Probe;
use crate::web::state::App;

use super::answer::tagged;
use super::problem::Problem;
use super::query;

/// Incidents that the summary names.
const MOST_INCIDENTS: usize = 20;

/// The fleet at one point in time, with its incidents.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct FleetAnswer<'a> {
    /// The counts.
    #[serde(flatten)]
    pub(super) summary: FleetSummary<'a>,
    /// What agents with problems have in common: at most 20 incidents, people's and the largest
    /// first. All of them, with advice, are at `/api/v1/incidents`. Null when agents are unknown.
    pub(super) incidents: Option<Vec<IncidentBrief>>,
}

/// The first of these incidents in a few words.
pub(super) fn briefs(incidents: &[Incident]) -> Vec<IncidentBrief> {
    let first = incidents.iter().take(MOST_INCIDENTS);
    first.map(IncidentBrief::of).collect()
}

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
    let incidents = app.collect.incidents_of(&collection);
    let content = FleetAnswer {
        summary: FleetSummary::of(&collection, fleet, probe.as_ref(), coder.as_ref()),
        incidents: incidents.as_deref().map(briefs),
    };
    // The database's present, from our own: it is not asked again for this.
    let skew = collection.clock_skew_seconds;
    let age = skew.map(|skew| wall_clock().seconds_since(fleet.snapshot.now) - skew);
    let mut body = content.clone();
    body.summary.age_seconds = age;
    Ok(tagged(&headers, &content, &body))
}
