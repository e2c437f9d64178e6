//! Agents and problems as JSON, for the commands and the API. Each field has the name of the
//! metric's label or of the column.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Lifecycle, Transition};
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::coder_summary::CoderSummary;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::{count_of_each, one_of, one_of_or_later, one_of_or_null};
use crate::fleet::rules::explain::Explanation;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::status::{Status, StatusRule};
use crate::fleet::stats::fleet_stats::{AgentProblem, FleetStats};
use crate::fleet::stats::overview::{ByHealth, by_template, total};

/// Owner, organization, workspace and template.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Place<'a> {
    /// Id of the workspace.
    #[schemars(extend("format" = "uuid"))]
    pub workspace_id: String,
    /// Name of the workspace; unique only within its owner.
    pub workspace_name: &'a str,
    /// User name of its owner.
    pub workspace_owner: &'a str,
    /// Name of its organization.
    pub organization_name: &'a str,
    /// Name of its template; unique only within its organization.
    pub template_name: &'a str,
}

impl<'a> Place<'a> {
    /// The place of this agent of the fleet.
    pub fn of(fleet: &'a FleetStats, agent: &'a Agent) -> Self {
        let scope = fleet.snapshot.scopes.get(agent.scope);
        Self {
            workspace_id: agent.workspace_id.to_string(),
            workspace_name: &agent.workspace,
            workspace_owner: &agent.owner,
            organization_name: scope.map(|it| &*it.organization).unwrap_or_default(),
            template_name: scope.map(|it| &*it.template).unwrap_or_default(),
        }
    }
}

/// An agent's row, its status and health, and the rules that decided them. Times are in RFC 3339,
/// whole seconds, UTC. Dates outside its range are `infinity`, `-infinity` or `… s since 1970`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentSummary<'a> {
    /// Id of the agent. Each build creates agents with new ids.
    #[schemars(extend("format" = "uuid"))]
    pub agent_id: String,
    /// Name of the agent within its workspace.
    pub agent_name: &'a str,
    /// `root`: the template defines the agent. `sub`: it was started inside another agent.
    /// `external`: it runs on a machine outside Coder. `prebuild`: no user has its workspace yet.
    #[schemars(schema_with = "one_of::<Kind>")]
    pub kind: &'static str,
    /// Version of the agent; empty when it has never connected.
    pub version: &'a str,
    /// Transition of the workspace's latest build.
    #[schemars(schema_with = "one_of_or_later::<Transition>")]
    pub transition: &'a str,
    /// Lifecycle state that the agent last reported.
    #[schemars(schema_with = "one_of_or_later::<Lifecycle>")]
    pub lifecycle_state: &'a str,
    /// When the build created the agent.
    pub created_at: Option<String>,
    /// First connection; null when the agent has never connected.
    pub first_connected_at: Option<String>,
    /// Last heartbeat; null when the agent has never connected.
    pub last_connected_at: Option<String>,
    /// When Coder last saw the connection close.
    pub disconnected_at: Option<String>,
    /// When the startup script began.
    pub started_at: Option<String>,
    /// When the startup script ended, with or without an error.
    pub ready_at: Option<String>,
    /// Connection timeout of the template; 0 means none.
    pub connection_timeout_seconds: u64,
    /// Connection status as Coder's dashboard shows it.
    #[schemars(schema_with = "one_of::<Status>")]
    pub status: &'static str,
    /// Name of the rule that decided the status.
    #[schemars(schema_with = "one_of::<StatusRule>")]
    pub status_rule: &'static str,
    /// The values that the status rule used.
    pub status_reason: String,
    /// Health class that the rules decided.
    #[schemars(schema_with = "one_of::<Health>")]
    pub health: &'static str,
    /// Name of the rule that decided the health. It is the name of the class.
    #[schemars(schema_with = "one_of::<Health>")]
    pub health_rule: &'static str,
    /// The values that the health rule used.
    pub health_reason: String,
    /// When the problem began; null when the agent has no problem.
    pub since: Option<String>,
    /// Why the agent has its problem; null when that is not known.
    #[schemars(schema_with = "one_of_or_null::<Cause>")]
    pub cause: Option<&'static str>,
    /// Startup scripts that failed, or have not ended, where they explain the problem.
    pub scripts: Vec<ScriptSummary<'a>>,
    /// What to do; null when the agent has no problem. For an agent in an incident it is what to
    /// do about that.
    pub advice: Option<&'static str>,
}

/// A startup script that explains a problem.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ScriptSummary<'a> {
    /// Display name of the script in the template.
    pub name: &'a str,
    /// Exit code; null when the script has not ended.
    pub exit_code: Option<i32>,
    /// How long the script ran; null when it has not ended.
    pub duration_seconds: Option<f64>,
}

impl<'a> AgentSummary<'a> {
    /// The summary of an explained agent, with the cause of its problem and the
    /// scripts that explain it.
    pub fn of(
        agent: &'a Agent,
        explanation: Explanation,
        cause: Option<Cause>,
        scripts: &'a [Script],
    ) -> Self {
        let Explanation {
            assessment,
            status,
            health,
        } = explanation;
        Self {
            agent_id: agent.id.to_string(),
            agent_name: &agent.name,
            kind: agent.kind.as_str(),
            version: &agent.version,
            transition: agent.transition.as_str(),
            lifecycle_state: agent.lifecycle.as_str(),
            created_at: agent.created_at.map(moment),
            first_connected_at: agent.first_connected_at.map(moment),
            last_connected_at: agent.last_connected_at.map(moment),
            disconnected_at: agent.disconnected_at.map(moment),
            started_at: agent.started_at.map(moment),
            ready_at: agent.ready_at.map(moment),
            connection_timeout_seconds: agent.connection_timeout().as_secs(),
            status: assessment.status.as_str(),
            status_rule: status.rule,
            status_reason: status.saw,
            health: assessment.health.as_str(),
            health_rule: health.rule,
            health_reason: health.saw,
            since: assessment.since.map(moment),
            cause: cause.map(Cause::as_str),
            scripts: scripts.iter().map(ScriptSummary::of).collect(),
            advice: assessment.health.advice(agent.kind, cause),
        }
    }
}

impl<'a> ScriptSummary<'a> {
    fn of(script: &'a Script) -> Self {
        Self {
            name: &script.name,
            exit_code: script.exit_code,
            duration_seconds: script.seconds,
        }
    }
}

/// An agent with a problem, in one line.
#[derive(Debug, Clone, Serialize)]
pub struct ProblemSummary<'a> {
    agent_id: String,
    agent_name: &'a str,
    kind: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    health: &'static str,
    since: String,
    age_seconds: f64,
    cause: Option<&'static str>,
    advice: &'static str,
}

impl<'a> ProblemSummary<'a> {
    /// The summary of a problem at the time of its fleet. An agent that is in an incident has the
    /// advice of that.
    pub fn of(
        fleet: &'a FleetStats,
        problem: AgentProblem<'a>,
        advice_of_incident: Option<&'static str>,
    ) -> Self {
        let agent = problem.agent;
        Self {
            agent_id: agent.id.to_string(),
            agent_name: &agent.name,
            kind: agent.kind.as_str(),
            place: Place::of(fleet, agent),
            health: problem.health.as_str(),
            since: moment(problem.since),
            age_seconds: fleet.snapshot.now.seconds_since(problem.since),
            cause: problem.cause.map(Cause::as_str),
            advice: advice_of_incident.or(problem.advice()).unwrap_or_default(),
        }
    }
}

/// The agents of one template by health.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TemplateSummary<'a> {
    /// Name of the organization.
    pub organization_name: &'a str,
    /// Name of the template.
    pub template_name: &'a str,
    /// Agents of the template by health class. Every class is present.
    #[schemars(schema_with = "count_of_each::<Health>")]
    pub health: BTreeMap<&'static str, u64>,
}

/// The output of `status --json`: the fleet by health, and all problems, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct StatusSummary<'a> {
    now: String,
    coder_down: Option<bool>,
    coder_down_since: Option<String>,
    agents: u64,
    health: BTreeMap<&'static str, u64>,
    templates: Vec<TemplateSummary<'a>>,
    problems: Vec<ProblemSummary<'a>>,
}

impl<'a> StatusSummary<'a> {
    /// The summary of this fleet, whose agents are known, perhaps a part of all. `coder` is the state
    /// that all of them show. `advice_of_incident` is that of the
    /// incident that an agent is in.
    pub fn of(
        fleet: &'a FleetStats,
        coder: &CoderSummary<'_>,
        advice_of_incident: impl Fn(Uuid) -> Option<&'static str>,
    ) -> Self {
        let rows = by_template(fleet);
        let total = total(&rows);
        let templates = rows.iter().map(|(scope, row)| TemplateSummary {
            organization_name: &scope.organization,
            template_name: &scope.template,
            health: by_name(row),
        });
        Self {
            now: moment(fleet.snapshot.now),
            coder_down: coder.down,
            coder_down_since: coder.down_since.clone(),
            agents: total.values().sum(),
            health: by_name(&total),
            templates: templates.collect(),
            problems: fleet
                .problems()
                .map(|it| ProblemSummary::of(fleet, it, advice_of_incident(it.agent.id)))
                .collect(),
        }
    }
}

/// The counts by the names of the classes.
pub(crate) fn by_name(row: &ByHealth) -> BTreeMap<&'static str, u64> {
    let counts = row.iter().map(|(health, count)| (health.as_str(), *count));
    counts.collect()
}
