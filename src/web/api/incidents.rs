//! `/api/v1/incidents`: what agents with problems have in common. The agents of one are at
//! `/api/v1/agents?incident=ID`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::report::format::moment;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::model::Incident;
use crate::incident::report::{EndedSummary, IncidentSummary};
use crate::offload::offload;
use crate::web::links::Links;
use crate::web::state::App;

use super::agents::without_agents;
use super::answer::whole;
use super::problem::Problem;
use super::query;

/// All incidents: people's first, the largest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct IncidentList {
    /// Time of the data, by the database's clock.
    pub(super) now: String,
    /// The incidents at that time.
    pub(super) incidents: Vec<IncidentItem>,
    /// Incidents that this exporter saw end within the last six hours, at most 100, the newest first.
    pub(super) ended: Vec<EndedSummary>,
}

/// An incident, and where its agents are.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct IncidentItem {
    #[serde(flatten)]
    incident: IncidentSummary,
    /// Address of its agents in this API, which may be relative.
    agents_url: String,
    /// Address of its runbook on this exporter, which may be relative; null when the pages are off.
    runbook_url: Option<String>,
}

impl IncidentItem {
    /// An incident of this fleet.
    pub(super) fn of(
        fleet: &FleetStats,
        incident: &Incident,
        links: &Links,
        has_pages: bool,
    ) -> Self {
        let agents = format!("/api/v1/agents?incident={}", incident.id());
        let incident = IncidentSummary::of(fleet, incident);
        let runbook = has_pages.then(|| Links::runbook(incident.runbook));
        Self {
            agents_url: links.whole(&agents),
            runbook_url: runbook.map(|it| links.whole(&it)),
            incident,
        }
    }
}

/// All incidents; 503 if agents are unknown.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query::nothing(query.as_deref().unwrap_or_default())?;
    let collection = app.collection_or_problem().await?;
    offload(collection.agent_count(), move || {
        let (fleet, incidents) = known(&app, &collection)?;
        let (links, has_pages) = (&app.settings.links, app.settings.ui);
        let items = incidents
            .iter()
            .map(|it| IncidentItem::of(fleet, it, links, has_pages));
        let list = IncidentList {
            now: moment(fleet.snapshot.now),
            incidents: items.collect(),
            ended: app
                .collect
                .ended_incidents()
                .iter()
                .map(EndedSummary::of)
                .collect(),
        };
        Ok(whole(&headers, &list))
    })
    .await
}

/// A fleet with its incidents, or the problem that they are unknown.
fn known<'a>(
    app: &App,
    collection: &'a CollectionResult,
) -> Result<(&'a FleetStats, Arc<[Incident]>), Problem> {
    let fleet = collection.fleet.as_ref().map_err(Problem::failed)?;
    let incidents = app.collect.incidents_of(collection);
    let incidents = incidents.ok_or_else(|| without_agents(collection))?;
    Ok((fleet, incidents))
}
