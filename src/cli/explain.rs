//! `explain`: shows an agent's row, the rules that apply, and what to do.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use tokio::time::Instant;

use crate::config::question_args::ExplainArgs;
use crate::details::{AgentDetails, WorkspaceDetails, read_details};
use crate::fleet::model::agent::Agent;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::{age, moment};
use crate::fleet::report::summary::AgentSummary;
use crate::fleet::report::usage_summary::{ActivitySummary, usage_lines};
use crate::fleet::rules::explain::Explanation;
use crate::incident::advice::Advice;
use crate::incident::membership::Membership;
use crate::incident::model::Incident;
use crate::incident::report::{IncidentSummary, title};

use super::find::reference;
use super::fleet_question::KnownFleet;
use super::text::{of_health, styled};
use super::width::{Answer, Width};
use super::{CommandError, PATIENCE, print, print_details, runtime, settings};

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode, CommandError> {
    let reference = reference(&args.what)?;
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let (details, fleet) = runtime()?.block_on(async {
        let deadline = Instant::now() + PATIENCE;
        let details = read_details(&database, &reference, limits, deadline).await;
        let details = details.map_err(|unclear| anyhow!("{unclear}"))?;
        let fleet = match details
            .agents
            .iter()
            .any(AgentDetails::may_be_in_an_incident)
        {
            true => KnownFleet::read(&database, &limits, &args.incident, &[])
                .await
                .map(Some),
            false => Ok(None),
        };
        anyhow::Ok((details, fleet))
    })?;
    // What a row says alone is shown without the fleet too.
    let (fleet, trouble) = match fleet {
        Ok(fleet) => (fleet, None),
        Err(trouble) => (None, Some(trouble.to_string())),
    };
    let incidents = Incidents::of(fleet.as_ref());
    match args.output.format() {
        Some(format) => print_details(format, &json(&details, &incidents)),
        None => {
            let width = Width::of(&std::io::stdout());
            print(&text(&details, &incidents, trouble.as_deref(), width))
        }
    }
}

/// The incidents of the agents that are explained.
#[derive(Default)]
struct Incidents<'a> {
    known: Option<(&'a KnownFleet, Membership<'a>)>,
}

impl<'a> Incidents<'a> {
    fn of(known: Option<&'a KnownFleet>) -> Self {
        let known = known.map(|it| (it, Membership::of(&it.fleet, &it.incidents)));
        Self { known }
    }

    fn get(&self, agent: &AgentDetails) -> Option<(&'a KnownFleet, &'a Incident)> {
        let (known, membership) = self.known.as_ref()?;
        Some((known, membership.get(agent.agent.id)?))
    }
}

fn text(
    details: &WorkspaceDetails,
    incidents: &Incidents<'_>,
    trouble: Option<&str>,
    width: Width,
) -> String {
    let mut out = Answer::new(width);
    let latest = &details.latest;
    let name = format!("{}/{}", latest.owner, latest.workspace);
    let id = latest.workspace_id.to_string();
    let _ = writeln!(out, "{}", width.heading(&name, &id));
    let template = format!("{}, {}", latest.scope.organization, latest.scope.template);
    line(&mut out, "template", &template);
    let (verdict, detail) = (details.readiness.verdict, &details.readiness.detail);
    let verdict = format!("{}: {detail}", verdict.as_str());
    line(&mut out, "verdict", &verdict);
    line(&mut out, "as of", &moment(latest.now));
    if let Some(usage) = &details.usage {
        for (what, text) in usage_lines(usage, details.is_connected(), latest.now) {
            line(&mut out, what, &text);
        }
    }
    if let Some(advice) = details.readiness.advice() {
        line(&mut out, "advice", advice);
    }
    for agent in &details.agents {
        out.text.push('\n');
        write_agent(&mut out, agent, latest.now);
        write_advice(&mut out, agent, incidents);
    }
    if let Some(trouble) = trouble {
        let note = format!("whether others have the problem too is unknown: {trouble}");
        let _ = writeln!(out);
        line(&mut out, "incident", &note);
    }
    out.text
}

/// What to do: in an incident of many that of the incident, and never that of one agent alone.
fn write_advice(out: &mut Answer, details: &AgentDetails, incidents: &Incidents<'_>) {
    let assessment = details.explanation.assessment;
    let Some((known, incident)) = incidents.get(details) else {
        let advice = assessment.health.advice(details.agent.kind, details.cause);
        advice.iter().for_each(|it| line(out, "advice", it));
        return;
    };
    let advice = Advice::of(&known.fleet, incident);
    line(out, "incident", &title(&known.fleet, incident));
    let users = format!(
        "{} agents, {} users",
        incident.members.len(),
        incident.owners
    );
    line(out, "", &users);
    line(out, "advice", advice.sentence);
    line(out, "not", advice.not_to_do);
    for text in &advice.commands {
        let command = out.width.command(text);
        let _ = writeln!(out, "{command}");
    }
}

fn json(details: &WorkspaceDetails, incidents: &Incidents<'_>) -> serde_json::Value {
    let latest = &details.latest;
    let usage = details.usage.as_ref();
    let activity = usage.map(|it| ActivitySummary::of(it, details.is_connected(), latest.now));
    serde_json::json!({
        "now": moment(latest.now),
        "workspace_id": latest.workspace_id.to_string(),
        "workspace_name": &*latest.workspace,
        "workspace_owner": &*latest.owner,
        "organization_name": &*latest.scope.organization,
        "template_name": &*latest.scope.template,
        "verdict": details.readiness.verdict.as_str(),
        "detail": details.readiness.detail,
        "advice": details.readiness.advice(),
        "activity": activity,
        "inactive_timeout_seconds": details.limits.inactive_timeout.as_secs_f64(),
        "agents": details.agents.iter().map(|it| agent_json(it, incidents)).collect::<Vec<_>>(),
    })
}

/// The output of `-o json` for one agent.
#[derive(Serialize)]
struct AgentJson<'a> {
    #[serde(flatten)]
    agent: AgentSummary<'a>,
    is_of_latest_build: bool,
    incident: Option<IncidentSummary>,
}

fn agent_json<'a>(details: &'a AgentDetails, incidents: &Incidents<'_>) -> AgentJson<'a> {
    let incident = incidents.get(details);
    let mut agent = AgentSummary::of(
        &details.agent,
        details.explanation.clone(),
        details.cause,
        &details.scripts,
    );
    if let Some((_, incident)) = incident {
        agent.advice = Some(incident.advice());
    }
    AgentJson {
        agent,
        is_of_latest_build: details.is_of_latest_build,
        incident: incident.map(|(known, it)| IncidentSummary::of(&known.fleet, it)),
    }
}

fn write_agent(out: &mut Answer, details: &AgentDetails, now: Timestamp) {
    let agent = &details.agent;
    let name = format!("agent {}", agent.name);
    let id = format!("{} ({})", agent.id, agent.kind.as_str());
    let heading = out.width.heading(&name, &id);
    let _ = writeln!(out, "{heading}");
    if !details.is_of_latest_build {
        line(out, "", "of an earlier build: not counted");
    }
    write_row(out, agent, now);
    let Explanation {
        assessment,
        status,
        health,
    } = &details.explanation;
    decision(
        out,
        "status",
        assessment.status.as_str(),
        &status.saw,
        status.rule,
    );
    let class = styled(of_health(assessment.health), assessment.health.as_str());
    decision(out, "health", &class, &health.saw, health.rule);
    if let Some(since) = assessment.since {
        let age = age(now.seconds_since(since));
        line(out, "since", &format!("{} ({age})", moment(since)));
    }
    if let Some(cause) = details.cause {
        line(out, "cause", cause.as_str());
    }
    for script in &details.scripts {
        line(out, "script", &script.to_string());
    }
}

/// Writes the columns that the rules use, with their values.
fn write_row(out: &mut Answer, agent: &Agent, now: Timestamp) {
    let at = |at: Option<Timestamp>| match at {
        Some(at) => {
            let ago = now.seconds_since(at);
            let side = if ago < 0.0 { "in the future" } else { "ago" };
            format!("{}  {} {side}", moment(at), age(ago.abs()))
        }
        None => "never".into(),
    };
    for (name, value) in [
        ("created_at", agent.created_at),
        ("first_connected_at", agent.first_connected_at),
        ("last_connected_at", agent.last_connected_at),
        ("disconnected_at", agent.disconnected_at),
        ("started_at", agent.started_at),
        ("ready_at", agent.ready_at),
    ] {
        line(out, name, &at(value));
    }
    let timeout = format!("{} s", agent.connection_timeout().as_secs());
    line(out, "connection_timeout", &timeout);
    line(out, "lifecycle_state", agent.lifecycle.as_str());
    line(out, "version", &agent.version);
}

/// Writes a value from the database, with control characters escaped.
fn line(out: &mut Answer, name: &str, value: &str) {
    let value = out.width.wrapped(value, 22);
    let _ = writeln!(out, "  {name:<18}  {value}");
}

/// Writes a decision: what was seen ("last heartbeat 47.2 s before now, limit 30 s"), the verdict,
/// and the rule's name.
fn decision(out: &mut Answer, name: &str, verdict: &str, saw: &str, rule: &str) {
    line(out, name, saw);
    let _ = writeln!(out, "  {:<18}  → {verdict} (rule {rule})", "");
}
