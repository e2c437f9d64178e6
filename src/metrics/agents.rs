//! Metrics of single agents: those with a problem, or all agents.

use std::fmt;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Assessment;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::FleetStats;

use super::budget::{Write, within};
use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::{AgentSeries, Page};

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";
const INFO: &str = "coder_agent_info";
const LAST_CONNECTED: &str = "coder_agent_last_connected_timestamp_seconds";

/// One series for each agent with a problem, and two more for every agent if that is enabled.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: PROBLEM,
        help: "Unix timestamp at which the agent's current problem began",
        kind: MetricKind::Gauge,
        labels: &[
            "organization_name",
            "template_name",
            "kind",
            "agent_id",
            "agent_name",
            "workspace_name",
            "workspace_owner",
            "health",
            "cause",
        ],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| within(page, PROBLEM, problems, sink),
    },
    Family {
        name: INFO,
        help: "Information about a workspace agent; only with --metrics.agent-series=all",
        kind: MetricKind::Info,
        labels: &[
            "organization_name",
            "template_name",
            "kind",
            "agent_id",
            "agent_name",
            "workspace_id",
            "workspace_name",
            "workspace_owner",
            "version",
            "lifecycle_state",
            "status",
            "health",
        ],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| within(page, INFO, infos, sink),
    },
    Family {
        name: LAST_CONNECTED,
        help: "Unix timestamp of the agent's last heartbeat; only with --metrics.agent-series=all",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "agent_id"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| within(page, LAST_CONNECTED, last_connected, sink),
    },
];

/// All of them can grow; the first is kept longest when the page has no room.
pub(super) const GROWING: &[(&str, Write)] = &[
    (PROBLEM, problems),
    (INFO, infos),
    (LAST_CONNECTED, last_connected),
];

/// Families whose size follows the fleet, with the number of agents that the limits left out.
pub(super) fn dropped(page: &Page) -> impl Iterator<Item = (&'static str, u64)> {
    let fleet = agents_known(page);
    let series = page.detail.agent_series;
    let left_out = |wanted: usize, shown: usize| wanted.saturating_sub(shown) as u64;
    let limit = page.detail.max_agent_series;
    let problems = fleet
        .filter(|_| series != AgentSeries::None)
        .map(|fleet| (PROBLEM, left_out(fleet.problems().len(), limit)));
    let all = fleet.filter(|_| series == AgentSeries::All).map(|fleet| {
        let has_heartbeat = |agent: &Agent| agent.last_connected_at.is_some();
        let wanted = fleet.judged().filter(|(agent, _)| has_heartbeat(agent));
        let shown = within_budget(page);
        let shown = shown.iter().filter(|(_, agent, _)| has_heartbeat(agent));
        [
            (INFO, left_out(fleet.judged().len(), limit)),
            // Who never connected has no series here, limit or not.
            (LAST_CONNECTED, left_out(wanted.count(), shown.count())),
        ]
    });
    let dropped = problems.into_iter().chain(all.into_iter().flatten());
    dropped.map(|(metric, agents)| (metric, agents + page.cut_from(metric)))
}

fn agents_known(page: &Page) -> Option<&FleetStats> {
    page.fleet().filter(|fleet| fleet.agents.is_some())
}

fn problems(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let Some(fleet) = agents_known(page).filter(|_| page.detail.agent_series != AgentSeries::None)
    else {
        return Ok(());
    };
    let mut id = Uuid::encode_buffer();
    for problem in fleet.problems().take(page.detail.max_agent_series) {
        let agent = problem.agent;
        let Some(scope) = fleet.snapshot.scopes.get(agent.scope) else {
            continue;
        };
        let (workspace, owner) = page.detail.names(agent);
        let labels: [&str; 9] = [
            &scope.organization,
            &scope.template,
            agent.kind.as_str(),
            agent.id.hyphenated().encode_lower(&mut id),
            &agent.name,
            workspace,
            owner,
            problem.health.as_str(),
            problem.cause.map_or("", |cause| cause.as_str()),
        ];
        sink.sample(&labels, problem.since.as_unix_seconds().into())?;
    }
    Ok(())
}

fn infos(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let (mut id, mut workspace_id) = (Uuid::encode_buffer(), Uuid::encode_buffer());
    for (scope, agent, assessment) in within_budget(page) {
        let (workspace, owner) = page.detail.names(agent);
        let labels: [&str; 12] = [
            &scope.organization,
            &scope.template,
            agent.kind.as_str(),
            agent.id.hyphenated().encode_lower(&mut id),
            &agent.name,
            agent
                .workspace_id
                .hyphenated()
                .encode_lower(&mut workspace_id),
            workspace,
            owner,
            &agent.version,
            agent.lifecycle.as_str(),
            assessment.status.as_str(),
            assessment.health.as_str(),
        ];
        sink.sample(&labels, true.into())?;
    }
    Ok(())
}

fn last_connected(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let mut id = Uuid::encode_buffer();
    for (scope, agent, _) in within_budget(page) {
        if let Some(at) = agent.last_connected_at {
            let id = &*agent.id.hyphenated().encode_lower(&mut id);
            let labels: [&str; 3] = [&scope.organization, &scope.template, id];
            sink.sample(&labels, at.as_unix_seconds().into())?;
        }
    }
    Ok(())
}

/// The agents with their own series under `all`, up to the limit: first those with a problem,
/// oldest first, then the others by id.
fn within_budget(page: &Page) -> Vec<(&Scope, &Agent, Assessment)> {
    let Some(fleet) = agents_known(page).filter(|_| page.detail.agent_series == AgentSeries::All)
    else {
        return Vec::new();
    };
    let mut agents: Vec<_> = fleet
        .judged()
        .filter_map(|(agent, assessment)| {
            let scope = fleet.snapshot.scopes.get(agent.scope)?;
            Some((scope, agent, assessment))
        })
        .collect();
    let rank = |(_, agent, assessment): &(&Scope, &Agent, Assessment)| {
        let since = assessment.since;
        (since.is_none(), since, agent.id)
    };
    // Those beyond the limit need not be in order.
    let limit = page.detail.max_agent_series;
    if limit < agents.len() {
        agents.select_nth_unstable_by_key(limit, rank);
        agents.truncate(limit);
    }
    agents.sort_unstable_by_key(rank);
    agents
}
