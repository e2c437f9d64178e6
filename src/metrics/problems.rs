//! Series of single agents: those somebody should look at.

use std::fmt;

use crate::fleet::named::Variants;
use crate::fleet::pass::Collector;

use super::family::{Family, MetricKind, Sink, Source};
use super::page::{AgentSeries, Page};

/// One series for each agent with a problem.
pub(super) const FAMILIES: &[Family] = &[Family {
    name: PROBLEM,
    help: "Since when an agent has its problem, in seconds since the Unix epoch",
    kind: MetricKind::Gauge,
    labels: &[
        "organization_name",
        "template_name",
        "agent_id",
        "agent_name",
        "workspace_name",
        "workspace_owner",
        "health",
        "cause",
    ],
    source: Source::Collector(Collector::Agents),
    samples: problems,
}];

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";

/// Families whose size follows the fleet, with the number of agents the limit left out.
pub(super) fn dropped(page: &Page) -> impl Iterator<Item = (&'static str, u64)> {
    let wanted = wanted(page);
    let dropped = wanted.map(|wanted| wanted.saturating_sub(page.detail.max_agent_series));
    dropped.map(|count| (PROBLEM, count as u64)).into_iter()
}

fn wanted(page: &Page) -> Option<usize> {
    let fleet = page.fleet().filter(|fleet| fleet.agents.is_some())?;
    match page.detail.agent_series {
        AgentSeries::None => None,
        AgentSeries::Problems => Some(fleet.problems().len()),
    }
}

fn problems(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let (Some(fleet), Some(_)) = (page.fleet(), wanted(page)) else {
        return Ok(());
    };
    let mut id = uuid::Uuid::encode_buffer();
    for (agent, health, since) in fleet.problems().take(page.detail.max_agent_series) {
        let Some(scope) = fleet.snapshot.scopes.get(agent.scope) else {
            continue;
        };
        let labels: [&str; 8] = [
            &scope.organization,
            &scope.template,
            agent.id.hyphenated().encode_lower(&mut id),
            &agent.name,
            &agent.workspace,
            &agent.owner,
            health.as_str(),
            "",
        ];
        sink.sample(&labels, since.as_unix_seconds().into())?;
    }
    Ok(())
}
