//! `explain`: an agent's row, the rule that decided, and what to do.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use tokio::time::Instant;

use crate::config::question_args::ExplainArgs;
use crate::fleet::agent::Agent;
use crate::fleet::explain::{Explanation, explain};
use crate::fleet::health::{Health, Limits};
use crate::fleet::latest::{Latest, Sighting};
use crate::fleet::named::Variants;
use crate::fleet::outcome::ProbeOutcome;
use crate::fleet::snapshot::Cause;
use crate::fleet::summary::AgentSummary;
use crate::fleet::time::Timestamp;
use crate::fleet::told::{age, moment};
use crate::postgres::database::Database;
use crate::resolver::{Directory, Readiness, Verdict, verdict};

use super::find::{Meant, find, reference};
use super::text::{heading, of_health, styled, wrapped};
use super::{CommandError, PATIENCE, print, print_json, runtime, settings};

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode, CommandError> {
    let reference = reference(&args.what)?;
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, args.question.postgres.max_connections)?;
    let limits = args.question.agent.limits();
    let told = runtime()?.block_on(async {
        let meant = find(&database, &reference).await?;
        tell(&database, meant, limits).await
    })?;
    match args.question.json {
        true => print_json(&told.json()),
        false => print(&told.text()),
    }
}

/// Everything that is to be told.
struct Told {
    latest: Latest,
    readiness: Readiness,
    agents: Vec<ToldAgent>,
    limits: Limits,
}

struct ToldAgent {
    now: Timestamp,
    agent: Agent,
    explanation: Explanation,
    cause: Option<Cause>,
    /// One of an earlier build is not counted anywhere.
    is_of_latest_build: bool,
}

async fn tell(database: &Database, meant: Meant, limits: Limits) -> Result<Told, CommandError> {
    let Meant { latest, agent } = meant;
    let of_latest = latest.agents.iter().map(|it| it.agent.clone());
    let mut agents: Vec<_> = of_latest
        .filter(|it| agent.is_none_or(|wanted| wanted == it.id))
        .map(|agent| (latest.now, agent, true))
        .collect();
    if let Some(wanted) = agent.filter(|_| agents.is_empty()) {
        let seen = database.agent(wanted).await;
        let seen = seen.map_err(|failure| anyhow!("{failure}"))?;
        let Sighting { now, agent } =
            seen.ok_or_else(|| anyhow!("the agent is soft-deleted: Coder counts it nowhere"))?;
        agents.push((now, agent, false));
    }
    let mut told = Vec::new();
    for (now, agent, is_of_latest_build) in agents {
        let explanation = explain(&agent, &limits, now);
        let cause = match explanation.assessment.health {
            Health::StuckCreated => {
                let cause = database.cause(agent.id, Instant::now() + PATIENCE).await;
                cause.map_err(|failure| anyhow!("{failure}"))?
            }
            _ => None,
        };
        told.push(ToldAgent {
            now,
            agent,
            explanation,
            cause,
            is_of_latest_build,
        });
    }
    Ok(Told {
        readiness: verdict(Some(&latest), &limits),
        latest,
        agents: told,
        limits,
    })
}

impl Told {
    fn text(&self) -> String {
        let mut out = String::new();
        let latest = &self.latest;
        let name = format!("{}/{}", latest.owner, latest.workspace);
        let id = latest.workspace_id.to_string();
        let _ = writeln!(out, "{}", heading(&name, &id));
        let template = format!("{}, {}", latest.scope.organization, latest.scope.template);
        line(&mut out, "template", &template);
        let Readiness {
            verdict, detail, ..
        } = &self.readiness;
        line(
            &mut out,
            "verdict",
            &format!("{}: {detail}", verdict.as_str()),
        );
        line(&mut out, "as of", &moment(latest.now));
        if let Some(advice) = self.advice() {
            line(&mut out, "advice", advice);
        }
        for told in &self.agents {
            out.push('\n');
            told.write(&mut out);
        }
        out
    }

    /// What to do about the workspace; what to do about an agent stands with it.
    fn advice(&self) -> Option<&'static str> {
        match self.readiness.verdict {
            Verdict::Stopped | Verdict::NoAgent => Some(ProbeOutcome::NoAgent.advice()),
            Verdict::Ambiguous => Some(ProbeOutcome::Ambiguous.advice()),
            _ => None,
        }
    }

    fn json(&self) -> serde_json::Value {
        let latest = &self.latest;
        serde_json::json!({
            "now": moment(latest.now),
            "workspace_id": latest.workspace_id.to_string(),
            "workspace_name": latest.workspace,
            "workspace_owner": &*latest.owner,
            "organization_name": &*latest.scope.organization,
            "template_name": &*latest.scope.template,
            "verdict": self.readiness.verdict.as_str(),
            "detail": self.readiness.detail,
            "advice": self.advice(),
            "inactive_timeout_seconds": self.limits.inactive_timeout.as_secs_f64(),
            "agents": self.agents.iter().map(ToldAgent::json).collect::<Vec<_>>(),
        })
    }
}

/// `--json` of one agent.
#[derive(Serialize)]
struct AgentJson<'a> {
    #[serde(flatten)]
    agent: AgentSummary<'a>,
    is_of_latest_build: bool,
}

impl ToldAgent {
    fn json(&self) -> AgentJson<'_> {
        AgentJson {
            agent: AgentSummary::of(&self.agent, self.explanation.clone(), self.cause),
            is_of_latest_build: self.is_of_latest_build,
        }
    }

    fn write(&self, out: &mut String) {
        let agent = &self.agent;
        let name = format!("agent {}", agent.name);
        let id = format!("{} ({})", agent.id, agent.kind.as_str());
        let _ = writeln!(out, "{}", heading(&name, &id));
        if !self.is_of_latest_build {
            line(out, "", "of an earlier build: counted nowhere");
        }
        self.write_row(out);
        let Explanation {
            assessment,
            status,
            health,
        } = &self.explanation;
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
            let age = age(self.now.seconds_since(since));
            line(out, "since", &format!("{} ({age})", moment(since)));
        }
        if let Some(cause) = self.cause {
            line(out, "cause", cause.as_str());
        }
        if let Some(advice) = assessment.health.advice(self.cause) {
            line(out, "advice", advice);
        }
    }

    /// The columns that the rules look at, as they stand in the row.
    fn write_row(&self, out: &mut String) {
        let agent = &self.agent;
        let at = |at: Option<Timestamp>| match at {
            Some(at) => {
                let ago = self.now.seconds_since(at);
                let side = if ago < 0.0 { "after now" } else { "ago" };
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
        let timeout = format!("{} s", agent.connection_timeout.as_secs());
        line(out, "connection_timeout", &timeout);
        line(out, "lifecycle_state", agent.lifecycle.as_str());
        line(out, "version", &agent.version);
    }
}

/// What may come from the database, made safe.
fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "  {name:<18}  {}", wrapped(value, 22));
}

/// "last heartbeat 47.2 s before now, limit 30 s", what follows from it, and the rule's number.
fn decision(out: &mut String, name: &str, verdict: &str, saw: &str, rule: u8) {
    line(out, name, saw);
    let _ = writeln!(out, "  {:<18}  → {verdict} (rule {rule})", "");
}
