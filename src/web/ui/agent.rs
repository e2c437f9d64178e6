//! `/agents/<id>`: one agent with its status, health and history. A path with names or with a
//! workspace's id redirects to the agent, or lists the workspace's agents.

mod agent_tree;
mod builds;
mod facts;
mod missing;
mod page;
mod parts;
mod probing;
mod story;
mod timeline;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::wall_clock;
use crate::details::WorkspaceDetails;
use crate::fleet::model::reference::Reference;
use crate::probe::{Answer, Reach, Refused};
use crate::web::auth::origin::is_from_here;
use crate::web::state::App;

use super::layout;
use super::layout::live;
pub(super) use probing::OFF;
use probing::Probing;

/// Query parameters of the page of an agent.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AgentQuery {
    /// Number of the probe whose steps are shown.
    probed: Option<u64>,
}

/// The subject of a page.
enum Subject {
    /// An agent, requested by its id.
    Agent,
    /// An agent, requested by names: the request is redirected to this id.
    Elsewhere(Uuid),
    /// A workspace whose latest build has no agent or several.
    Workspace,
}

/// Serves the page of an agent or workspace, or redirects to it.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(what): Path<String>,
    wanted: Result<Query<AgentQuery>, QueryRejection>,
) -> Response {
    let details = match read_details(&app, &what).await {
        Ok(details) => details,
        Err(refusal) => return refusal,
    };
    let wanted = wanted.map(|it| it.0).unwrap_or_default();
    let incident = app.incident_of(&details).await;
    let probing = Probing {
        app: &app,
        latest: &details.latest,
        shown: wanted.probed,
        now: wall_clock(),
    };
    let (title, main) = match subject(&details, &what) {
        Subject::Elsewhere(id) => return Redirect::to(&address(&app, id, &wanted)).into_response(),
        Subject::Agent => page::agent(&app, &details, incident.as_ref(), &probing),
        Subject::Workspace => page::workspace(&app, &details, &probing),
    };
    let main = live(details.latest.now, &main);
    layout::page(&app.settings, &title, None, &main)
}

/// Probes the workspace, if the form was sent from a page of this exporter, and redirects to the
/// page with the result.
pub(super) async fn probe_now(
    State(app): State<Arc<App>>,
    Path(what): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !is_from_here(&headers, &uri, &app.settings.links) {
        return missing::foreign(&app.settings);
    }
    let Some(probe) = &app.settings.probe else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return missing::not_probed(&app.settings, status, probing::OFF, &what);
    };
    let details = match read_details(&app, &what).await {
        Ok(details) => details,
        Err(refusal) => return refusal,
    };
    let workspace = Reference::Id(details.latest.workspace_id);
    let deadline = Instant::now() + app.settings.collect_timeout;
    match probe.ask(&workspace, Reach::Forced, deadline).await {
        Ok(asked) => {
            let probed = match asked.answer {
                Answer::Probed(probed) => Some(probed.number),
                Answer::Skipped(_) => None,
            };
            let wanted = AgentQuery { probed };
            let id = details.asked.unwrap_or(details.latest.workspace_id);
            Redirect::to(&address(&app, id, &wanted)).into_response()
        }
        Err(refused) => {
            let status = match refused {
                Refused::Unknown(_) => StatusCode::NOT_FOUND,
                Refused::Busy => StatusCode::TOO_MANY_REQUESTS,
                Refused::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            missing::not_probed(&app.settings, status, &refused.to_string(), &what)
        }
    }
}

/// The details of the workspace or agent in the path, or an error page.
async fn read_details(app: &App, what: &str) -> Result<Arc<WorkspaceDetails>, Response> {
    let Ok(reference) = what.parse::<Reference>() else {
        return Err(missing::unreadable(&app.settings));
    };
    let answer = app.read_details(&reference).await?;
    answer.map_err(|unclear| missing::page(&app.settings, &unclear))
}

fn subject(details: &WorkspaceDetails, what: &str) -> Subject {
    match (details.asked, &*details.agents) {
        (Some(id), _) if what.parse() == Ok(Reference::Id(id)) => Subject::Agent,
        (Some(id), _) => Subject::Elsewhere(id),
        (None, [only]) => Subject::Elsewhere(only.agent.id),
        (None, _) => Subject::Workspace,
    }
}

/// The path of the page of an agent or workspace.
fn address(app: &App, id: Uuid, wanted: &AgentQuery) -> String {
    let path = match wanted.probed {
        Some(number) => format!("/agents/{id}?probed={number}#probed"),
        None => format!("/agents/{id}"),
    };
    app.settings.links.here(&path)
}
