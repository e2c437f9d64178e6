//! `/api/v1/agents`: lists and filters agents, and shows a single one.

use std::collections::HashMap;
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
use crate::fleet::model::reference::Reference;
use crate::fleet::report::csv::csv;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::one_of;
use crate::fleet::report::summary::{AgentSummary, Place};
use crate::fleet::report::usage_summary::ActivitySummary;
use crate::fleet::rules::explain::explain;
use crate::fleet::rules::health::{Health, Limits};
use crate::fleet::select::paging::select;
use crate::fleet::select::selection::Selected;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::membership::{Judged, Membership, ids_of, sub_agents};
use crate::incident::model::Incident;
use crate::offload::offload;
use crate::web::links::Links;
use crate::web::state::App;

use super::answer::{table, whole};
use super::problem::Problem;
use super::{cursor, query};

/// Sub-agents that are shown below an agent of an incident.
const MOST_SUB_AGENTS: usize = 20;

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
    /// How its workspace is used; null where that cannot be read.
    pub(super) activity: Option<ActivitySummary>,
}

/// An agent and its workspace.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentItem<'a> {
    #[serde(flatten)]
    agent: AgentSummary<'a>,
    #[serde(flatten)]
    place: Place<'a>,
    /// Id of the incident that the agent is in; null when it is in none.
    incident_id: Option<String>,
    /// Sub-agents of its workspace, at most 20, where the agent is in an incident; else empty.
    sub_agents: Vec<SubAgent<'a>>,
    /// Age of the problem at the time of the data; null when the agent has no problem.
    age_seconds: Option<f64>,
    /// Address of the workspace in Coder; null without `--coder.url`.
    workspace_url: Option<String>,
    /// Address of the agent's page on this exporter, which may be relative; null when the pages
    /// are off.
    page_url: Option<String>,
}

/// A sub-agent of a workspace that is in an incident. It is in none itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SubAgent<'a> {
    /// Id of the agent.
    #[schemars(extend("format" = "uuid"))]
    agent_id: String,
    /// Name of the agent within its workspace.
    agent_name: &'a str,
    /// Health class of the agent.
    #[schemars(schema_with = "one_of::<Health>")]
    health: &'static str,
    /// When its problem began; null when it has no problem.
    since: Option<String>,
}

/// The data that a response needs besides the agent.
pub(super) struct AgentSerializer<'a> {
    pub(super) fleet: &'a FleetStats,
    pub(super) membership: Membership<'a>,
    /// Sub-agents by workspace, of workspaces that are in an incident.
    pub(super) sub_agents: HashMap<Uuid, Vec<Judged<'a>>>,
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
    let incidents = app.collect.incidents_of(collection);
    let incidents = incidents.as_deref().unwrap_or_default();
    let mut serializer = AgentSerializer::of(app, collection, incidents)?;
    let mut filter = wanted.filter.clone();
    if let Some(id) = wanted.incident {
        let incident = incidents.iter().find(|it| it.id() == id);
        let ids = incident.map(|it| ids_of(serializer.fleet, it));
        filter.ids = Some(ids.unwrap_or_default());
    }
    let selection = select(serializer.fleet, &filter, wanted.after, wanted.limit);
    let selection = selection.ok_or_else(|| without_agents(collection))?;
    serializer.find_sub_agents(selection.agents.iter().map(|it| it.0));
    let next = selection.next.map(cursor::cursor);
    let link = next.as_deref().map(|it| next_link(app, query, it));
    let agents = selection.agents.iter();
    let mut response = if wanted.csv {
        let rows = agents.map(|it| Selected::of(serializer.fleet, it.0, it.1));
        table(headers, csv(rows))
    } else {
        let page = AgentPage {
            now: moment(serializer.fleet.snapshot.now),
            total: selection.total,
            next,
            agents: agents.map(|it| serializer.serialize(it.0)).collect(),
        };
        whole(headers, &page)
    };
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
    let incidents = app.collect.incidents_of(&collection);
    let incidents = incidents.as_deref().unwrap_or_default();
    let mut serializer = AgentSerializer::of(&app, &collection, incidents)?;
    let agents = serializer.fleet.snapshot.agents.as_ref();
    let agents = agents.ok_or_else(|| without_agents(&collection))?;
    let agent = agents.iter().find(|it| it.id == id);
    let agent = agent.ok_or_else(Problem::no_such_agent)?;
    serializer.find_sub_agents([agent].into_iter());
    let answer = AgentAnswer {
        now: moment(serializer.fleet.snapshot.now),
        agent: serializer.serialize(agent),
        activity: activity(&app, id).await,
    };
    Ok(whole(&headers, &answer))
}

/// How the agent's workspace is used, from the details that its page shows.
async fn activity(app: &App, agent: Uuid) -> Option<ActivitySummary> {
    let details = app.read_details(&Reference::Id(agent)).await.ok()?.ok()?;
    let usage = details.usage.as_ref()?;
    let is_connected = details.is_connected();
    Some(ActivitySummary::of(usage, is_connected, details.latest.now))
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
pub(super) fn without_agents(collection: &CollectionResult) -> Problem {
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
    fn of(
        app: &'a App,
        collection: &'a CollectionResult,
        incidents: &'a [Incident],
    ) -> Result<Self, Problem> {
        let fleet = collection.fleet.as_ref().map_err(Problem::failed)?;
        Ok(Self {
            fleet,
            membership: Membership::of(fleet, incidents),
            sub_agents: HashMap::new(),
            limits: &app.collect.settings().limits,
            links: &app.settings.links,
            has_pages: app.settings.ui,
        })
    }

    /// Looks for the sub-agents of those of these agents that are in an incident.
    fn find_sub_agents<'b>(&mut self, agents: impl Iterator<Item = &'b Agent>) {
        let members = agents.filter(|it| self.membership.get(it.id).is_some());
        let workspaces: Vec<Uuid> = members.map(|it| it.workspace_id).collect();
        if !workspaces.is_empty() {
            self.sub_agents = sub_agents(self.fleet, workspaces.into_iter());
        }
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
        let incident = self.membership.get(agent.id);
        let mut summary = AgentSummary::of(agent, explanation, cause, scripts);
        summary.advice = incident.map(Incident::advice).or(summary.advice);
        AgentItem {
            agent: summary,
            place: Place::of(self.fleet, agent),
            incident_id: incident.map(|it| it.id().to_string()),
            sub_agents: match incident {
                Some(_) => self.sub_agents_of(agent),
                None => Vec::new(),
            },
            age_seconds: since.map(|since| snapshot.now.seconds_since(since)),
            workspace_url: self.links.workspace(&agent.owner, &agent.workspace),
            page_url: page.map(|it| self.links.whole(&it)),
        }
    }

    fn sub_agents_of(&self, agent: &Agent) -> Vec<SubAgent<'a>> {
        let found = self.sub_agents.get(&agent.workspace_id).into_iter();
        let found = found.flatten().take(MOST_SUB_AGENTS);
        found
            .map(|(agent, assessment)| SubAgent {
                agent_id: agent.id.to_string(),
                agent_name: &agent.name,
                health: assessment.health.as_str(),
                since: assessment.since.map(moment),
            })
            .collect()
    }
}
