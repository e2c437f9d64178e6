//! Example responses for the OpenAPI document. The real code judges and serializes two agents that
//! do not exist, so the examples match the responses.

use std::collections::{BTreeMap, HashMap};
use std::slice;
use std::time::Duration;

use enum_map::EnumMap;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Lifecycle, Scope, Transition};
use crate::fleet::model::coder::{CoderAnswers, Replica, Severity};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::OriginId;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::usage::{DeadlineReading, Usage, UsageReport};
use crate::fleet::report::fleet_summary::FleetSummary;
use crate::fleet::report::format::moment;
use crate::fleet::report::usage_summary::ActivitySummary;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::history::EndedIncident;
use crate::incident::membership::Membership;
use crate::incident::model::{Common, Incident};
use crate::incident::population::{Dimension, Family};
use crate::incident::report::EndedSummary;
use crate::web::links::Links;

use super::agents::{AgentAnswer, AgentPage, AgentSerializer};
use super::cursor::cursor;
use super::fleet::{FleetAnswer, briefs};
use super::incidents::{IncidentItem, IncidentList};

/// Time of the examples: 2026-01-15, 9:30:00 UTC.
const NOW_SECONDS: i64 = 1_768_469_400;

/// An example of each response.
pub(super) struct Examples {
    /// Example response of `/api/v1/fleet`.
    pub(super) fleet: Value,
    /// Example response of `/api/v1/agents`.
    pub(super) page: Value,
    /// Example response of `/api/v1/agents/{id}`.
    pub(super) agent: Value,
    /// Example response of `/api/v1/incidents`.
    pub(super) incidents: Value,
    /// Value of the parameter `incident`.
    pub(super) incident_id: String,
    /// Value of the parameter `cursor`.
    pub(super) cursor: String,
    /// Value of the agent's id in the path.
    pub(super) id: String,
}

impl Examples {
    /// The examples of an exporter with these URLs.
    pub(super) fn new(links: &Links) -> Self {
        let collection = collection();
        let lost = id(1);
        let Ok(fleet) = &collection.fleet else {
            return Self::none();
        };
        let limits = Limits::default();
        let serializer = AgentSerializer {
            fleet,
            membership: Membership::default(),
            sub_agents: HashMap::new(),
            limits: &limits,
            links,
            has_pages: true,
        };
        let now = moment(fleet.snapshot.now);
        let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
        let answers = answers();
        let incident = incident();
        let summary = FleetAnswer {
            summary: FleetSummary {
                age_seconds: Some(1.25),
                ..FleetSummary::of(&collection, fleet, None, Some(&answers))
            },
            incidents: Some(briefs(slice::from_ref(&incident))),
        };
        let item = IncidentItem::of(fleet, &incident, links, true);
        let incidents = IncidentList {
            now: now.clone(),
            incidents: vec![item],
            ended: vec![EndedSummary::of(&ended())],
        };
        let mut lost_ones = agents.iter().filter(|it| it.id == lost);
        let page = AgentPage {
            now: now.clone(),
            total: agents.len(),
            next: Some(cursor(lost)),
            agents: lost_ones
                .clone()
                .map(|it| serializer.serialize(it))
                .collect(),
        };
        let agent = lost_ones.next().map(|it| AgentAnswer {
            now,
            agent: serializer.serialize(it),
            activity: Some(ActivitySummary::of(&usage(), false, fleet.snapshot.now)),
        });
        Self {
            fleet: value(&summary),
            page: value(&page),
            agent: value(&agent),
            incidents: value(&incidents),
            incident_id: incident.id().to_string(),
            cursor: cursor(lost),
            id: lost.to_string(),
        }
    }

    fn none() -> Self {
        Self {
            fleet: Value::Null,
            page: Value::Null,
            agent: Value::Null,
            incidents: Value::Null,
            incident_id: String::new(),
            cursor: String::new(),
            id: String::new(),
        }
    }
}

/// The use of the lost agent's workspace: its user was at work a moment ago.
fn usage() -> Usage {
    let at = |ago: i64| Timestamp::from_unix_micros((NOW_SECONDS - ago) * 1_000_000);
    Usage {
        newest_report: Some(at(4)),
        reports: vec![UsageReport {
            agent: id(1),
            at: at(40),
            connections: 2,
            sessions: BTreeMap::from([("vscode".to_owned(), 1)]),
        }],
        last_used_at: Some(at(60)),
        build_number: Some(7),
        deadline: Some(at(-3540)),
        compared: Some(DeadlineReading {
            at: at(75),
            deadline: at(-3360),
        }),
    }
}

/// What a Coder says that is well.
fn answers() -> CoderAnswers {
    CoderAnswers {
        healthz: Some(Ok(Duration::from_millis(12))),
        version: Some("v2.35.1".into()),
        severities: Some(EnumMap::from_fn(|_| Some(Severity::Ok))),
    }
}

/// An incident that is over.
fn ended() -> EndedIncident {
    let at = |ago: i64| Timestamp::from_unix_micros((NOW_SECONDS - ago) * 1_000_000);
    EndedIncident {
        id: incident().id(),
        kind: Kind::Root,
        family: Family::Lost,
        common: incident().common,
        start: at(9000),
        end: at(7200),
        agents: 35,
        owners: 31,
        owners_in_session: Some(12),
    }
}

/// An incident that has the lost agent.
fn incident() -> Incident {
    let at = |ago: i64| Timestamp::from_unix_micros((NOW_SECONDS - ago) * 1_000_000);
    let value = |dimension, value: &str| (dimension, value.into());
    let (dimension, name) = value(Dimension::Template, "research/gpu-lab");
    let (other, its_name) = value(Dimension::ResourceType, "kubernetes_pod");
    Incident {
        kind: Kind::Root,
        family: Family::Lost,
        common: Common::Value(dimension, name),
        also: vec![value(Dimension::TemplateVersion, "research/gpu-lab/v7")],
        runners_up: vec![(other, its_name, 12.5)],
        score: 61.25,
        members: vec![0],
        expected: 2,
        workspaces: 1,
        owners: 1,
        owners_in_session: Some(1),
        first: Some(at(512)),
        last: Some(at(512)),
        is_growing: false,
    }
}

fn value(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

fn id(number: u128) -> Uuid {
    // As random ones look: version 4.
    Uuid::from_u128(0x291d_a7eb_6201_41b0_89ae_9bea_0d8b_3f60 + number)
}

fn collection() -> CollectionResult {
    let now = Timestamp::from_unix_micros(NOW_SECONDS * 1_000_000);
    let mut snapshot = Snapshot::at(now);
    let scope = snapshot.scopes.intern(Scope {
        organization: "research".into(),
        template: "gpu-lab".into(),
    });
    snapshot.schema.migration = Some(420);
    let ago = |seconds: i64| {
        let micros = (NOW_SECONDS - seconds) * 1_000_000;
        Some(Timestamp::from_unix_micros(micros))
    };
    let agent = |number: u128, workspace: &str, heartbeat: i64| Agent {
        id: id(number),
        name: "main".into(),
        version: "v2.35.1".into(),
        workspace_id: id(number + 2),
        workspace: workspace.into(),
        owner: "margaret-h".into(),
        template_version: "v7".into(),
        scope,
        origin: OriginId::UNKNOWN,
        kind: Kind::Root,
        transition: DbEnum::Known(Transition::Start),
        lifecycle: DbEnum::Known(Lifecycle::Ready),
        created_at: ago(90_000),
        first_connected_at: ago(89_990),
        last_connected_at: ago(heartbeat),
        disconnected_at: None,
        started_at: ago(89_985),
        ready_at: ago(89_900),
        connection_timeout_seconds: 120,
    };
    snapshot.replicas = Some(vec![Replica {
        id: id(9),
        hostname: "coder-0".into(),
        version: "v2.35.1".into(),
        is_primary: true,
        started_at: ago(400_000),
        updated_at: ago(3),
        stopped_at: None,
        database_latency: Some(Duration::from_micros(850)),
    }]);
    snapshot.agents = Some(vec![agent(1, "build-box", 512), agent(2, "notebook", 5)]);
    CollectionResult {
        fleet: Ok(FleetStats::of(snapshot, &Limits::default())),
        reports: vec![CollectorReport {
            collector: Collector::Agents,
            outcome: Outcome::Loaded {
                duration: Duration::from_millis(3),
                rows: 2,
            },
        }],
        clock_skew_seconds: Some(0.002),
    }
}
