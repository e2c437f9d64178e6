//! `/api/v1/agents`: lists and filters agents, and shows a single one.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::moment;
use crate::fleet::report::summary::{AgentSummary, Place};
use crate::fleet::rules::explain::explain;
use crate::fleet::rules::health::Limits;
use crate::fleet::select::paging::select;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::offload::offload;
use crate::web::links::Links;
use crate::web::state::App;

use super::answer::whole;
use super::problem::Problem;
use super::{cursor, query};

/// A page of agents, in the order of their ids.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentPage<'a> {
    /// Time of the data, by the database's clock.
    pub(super) now: String,
    /// Number of matching agents, on all pages together.
    pub(super) total: usize,
    /// Value of `cursor` for the next page; null on the last page.
    pub(super) next: Option<String>,
    /// Agents of this page.
    pub(super) agents: Vec<AgentItem<'a>>,
}

/// A single agent.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentAnswer<'a> {
    /// Time of the data, by the database's clock.
    pub(super) now: String,
    /// The agent and its workspace.
    #[serde(flatten)]
    pub(super) agent: AgentItem<'a>,
}

/// An agent and its workspace.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentItem<'a> {
    #[serde(flatten)]
    agent: AgentSummary<'a>,
    #[serde(flatten)]
    place: Place<'a>,
    /// Age of the problem at the time of the data; null when the agent has no problem.
    age_seconds: Option<f64>,
    /// Address of the workspace in Coder; null without `--coder.url`.
    workspace_url: Option<String>,
    /// Address of the agent's page on this exporter, which may be relative; null when the pages
    /// are off.
    page_url: Option<String>,
}

/// The data that a response needs besides the agent.
pub(super) struct AgentSerializer<'a> {
    pub(super) fleet: &'a FleetStats,
    pub(super) limits: &'a Limits,
    pub(super) links: &'a Links,
    pub(super) has_pages: bool,
}

/// A page of matching agents; 503 if agents are unknown.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let wanted = query::wanted(&query)?;
    let collection = app.collection_or_problem().await?;
    let agents = collection.agent_count();
    offload(agents, move || {
        page(&app, &collection, &query, &wanted, &headers)
    })
    .await
}

fn page(
    app: &App,
    collection: &CollectionResult,
    query: &str,
    wanted: &query::AgentsQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let serializer = AgentSerializer::of(app, collection)?;
    let selection = select(serializer.fleet, &wanted.filter, wanted.after, wanted.limit);
    let selection = selection.ok_or_else(|| without_agents(collection))?;
    let next = selection.next.map(cursor::cursor);
    let link = next.as_deref().map(|it| next_link(app, query, it));
    let agents = selection
        .agents
        .iter()
        .map(|(agent, _)| serializer.serialize(agent));
    let page = AgentPage {
        now: moment(serializer.fleet.snapshot.now),
        total: selection.total,
        next,
        agents: agents.collect(),
    };
    let mut response = whole(headers, &page);
    if let Some(link) = link.and_then(|it| HeaderValue::try_from(it).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// A single agent; 404 if it is not in the population.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query::nothing(query.as_deref().unwrap_or_default())?;
    let id = id.ok().and_then(|Path(id)| agent_id(&id));
    let id =
        id.ok_or_else(|| Problem::parameter("id", "the value must be the UUID of an agent"))?;
    let collection = app.collection_or_problem().await?;
    let serializer = AgentSerializer::of(&app, &collection)?;
    let agents = serializer.fleet.snapshot.agents.as_ref();
    let agents = agents.ok_or_else(|| without_agents(&collection))?;
    let agent = agents.iter().find(|it| it.id == id);
    let agent = agent.ok_or_else(Problem::no_such_agent)?;
    let answer = AgentAnswer {
        now: moment(serializer.fleet.snapshot.now),
        agent: serializer.serialize(agent),
    };
    Ok(whole(&headers, &answer))
}

/// Parses the hyphenated form only. The uuid crate would also accept braces and `urn:`.
fn agent_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn next_link(app: &App, query: &str, cursor: &str) -> String {
    let query = query::with_cursor(query, cursor);
    let path = app.settings.links.here("/api/v1/agents");
    format!("<{path}?{query}>; rel=\"next\"")
}

/// The problem for unknown agents, although the database answered.
fn without_agents(collection: &CollectionResult) -> Problem {
    let report = collection
        .reports
        .iter()
        .find(|it| it.collector == Collector::Agents);
    match report.map(|it| &it.outcome) {
        Some(Outcome::Failed(failure)) => Problem::failed(failure),
        Some(_) => Problem::without_agents("the agents were not read"),
        None => {
            let name = Collector::Agents.as_str();
            let why = format!("the collector {name} is off: see --no-collector.{name}");
            Problem::without_agents(&why)
        }
    }
}

impl<'a> AgentSerializer<'a> {
    fn of(app: &'a App, collection: &'a CollectionResult) -> Result<Self, Problem> {
        Ok(Self {
            fleet: collection.fleet.as_ref().map_err(Problem::failed)?,
            limits: &app.collect.settings().limits,
            links: &app.settings.links,
            has_pages: app.settings.ui,
        })
    }

    /// All fields of this agent.
    pub(super) fn serialize(&self, agent: &'a Agent) -> AgentItem<'a> {
        let snapshot = &self.fleet.snapshot;
        let explanation = explain(agent, self.limits, snapshot.now);
        let since = explanation.assessment.since;
        let cause = snapshot.causes.get(&agent.id).copied();
        let scripts = snapshot.scripts.get(&agent.id);
        let scripts = scripts.map(Vec::as_slice).unwrap_or_default();
        let page = self.has_pages.then(|| format!("/agents/{}", agent.id));
        AgentItem {
            agent: AgentSummary::of(agent, explanation, cause, scripts),
            place: Place::of(self.fleet, agent),
            age_seconds: since.map(|since| snapshot.now.seconds_since(since)),
            workspace_url: self.links.workspace(&agent.owner, &agent.workspace),
            page_url: page.map(|it| self.links.whole(&it)),
        }
    }
}
