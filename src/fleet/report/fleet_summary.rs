//! The fleet in one response of the API: all counts at one time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::model::agent::{Kind, Lifecycle, Scope};
use crate::fleet::model::app::AppHealth;
use crate::fleet::model::coder::CoderAnswers;
use crate::fleet::model::label_value::{CountByLabel, Counted, Variants};
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingState, WorkspaceState};
use crate::fleet::probe::results::ProbeStats;
use crate::fleet::report::coder_summary::CoderSummary;
use crate::fleet::report::exporter_summary::ExporterSummary;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::{count_of_each, count_of_each_or_null, one_of};
use crate::fleet::report::summary::{TemplateSummary, by_name};
use crate::fleet::rules::health::Health;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::{AgentCounts, FleetStats};
use crate::fleet::stats::overview::{by_template, problems_in, total};

/// The fleet at one point in time. Unknown values are null, never 0; `exporter.collectors` has
/// the reason.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FleetSummary<'a> {
    /// Time of the data, by the database's clock.
    pub now: String,
    /// Age of the data when the response was written. The `ETag` does not depend on it.
    pub age_seconds: Option<f64>,
    /// Number of agents.
    pub agents: Option<u64>,
    /// Number of agents with a problem.
    pub problem_agents: Option<u64>,
    /// Agents by health class. Every class is present.
    #[schemars(schema_with = "count_of_each_or_null::<Health>")]
    pub health: Option<BTreeMap<&'static str, u64>>,
    /// Agents by connection status.
    #[schemars(schema_with = "count_of_each_or_null::<Status>")]
    pub status: Option<BTreeMap<String, u64>>,
    /// Agents by lifecycle state.
    #[schemars(schema_with = "count_of_each_or_null::<Lifecycle>")]
    pub lifecycle_state: Option<BTreeMap<String, u64>>,
    /// Templates that have agents, sorted by name.
    pub templates: Option<Vec<TemplateDetail<'a>>>,
    /// Workspaces by the state of their latest build.
    #[schemars(schema_with = "count_of_each_or_null::<WorkspaceState>")]
    pub workspaces: Option<BTreeMap<String, u64>>,
    /// Apps by health.
    #[schemars(schema_with = "count_of_each_or_null::<AppHealth>")]
    pub apps: Option<BTreeMap<String, u64>>,
    /// Chats by the state of their agent binding.
    #[schemars(schema_with = "count_of_each_or_null::<BindingState>")]
    pub chat_bindings: Option<BTreeMap<String, u64>>,
    /// State of Coder itself.
    pub coder: CoderSummary<'a>,
    /// State of the exporter.
    pub exporter: ExporterSummary<'a>,
}

/// The agents of one template.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TemplateDetail<'a> {
    /// Name of the template, and its agents by health.
    #[serde(flatten)]
    pub template: TemplateSummary<'a>,
    /// Number of agents of the template.
    pub agents: u64,
    /// Number of agents with a problem.
    pub problem_agents: u64,
    /// Agents of the template by connection status.
    #[schemars(schema_with = "count_of_each::<Status>")]
    pub status: BTreeMap<String, u64>,
    /// The oldest problem; null when no agent has one.
    pub oldest_problem: Option<OldestProblem>,
}

/// The oldest current problem.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OldestProblem {
    /// Health class of the agent.
    #[schemars(schema_with = "one_of::<Health>")]
    pub health: &'static str,
    /// When the problem began.
    pub since: String,
    /// Age of the problem at the time of the data.
    pub age_seconds: f64,
}

impl<'a> FleetSummary<'a> {
    /// The summary of a collection that found this fleet. The caller sets the age.
    pub fn of(
        collection: &'a CollectionResult,
        fleet: &'a FleetStats,
        probe: Option<&ProbeStats>,
        coder: Option<&'a CoderAnswers>,
    ) -> Self {
        let known = fleet.agents.is_some();
        let rows = by_template(fleet);
        let total = total(&rows);
        Self {
            now: moment(fleet.snapshot.now),
            age_seconds: None,
            agents: known.then(|| total.values().sum()),
            problem_agents: known.then(|| problems_in(&total)),
            health: known.then(|| by_name(&total)),
            status: tallied(fleet, |it| &it.status),
            lifecycle_state: tallied(fleet, |it| &it.lifecycle),
            templates: fleet.agents.is_some().then(|| templates(fleet)),
            workspaces: fleet.workspaces.as_ref().map(|it| sum(it.values())),
            apps: fleet.apps.as_ref().map(|it| sum(it.values())),
            chat_bindings: fleet.bindings.as_ref().map(|it| sum(it.values())),
            coder: CoderSummary::of(fleet, coder),
            exporter: ExporterSummary::of(collection, fleet, probe),
        }
    }
}

fn templates(fleet: &FleetStats) -> Vec<TemplateDetail<'_>> {
    let rows = by_template(fleet).into_iter().map(|(scope, row)| {
        let all_counts = counts_of(fleet, scope);
        TemplateDetail {
            template: TemplateSummary {
                organization_name: &scope.organization,
                template_name: &scope.template,
                health: by_name(&row),
            },
            agents: row.values().sum(),
            problem_agents: problems_in(&row),
            status: sum(all_counts.iter().map(|it| &it.status)),
            oldest_problem: oldest(&all_counts, fleet.snapshot.now),
        }
    });
    rows.collect()
}

/// The agents of one template, of each kind.
fn counts_of<'a>(fleet: &'a FleetStats, scope: &Scope) -> Vec<&'a AgentCounts> {
    let Some(all_counts) = &fleet.agents else {
        return Vec::new();
    };
    let kinds = Kind::ALL.iter();
    kinds
        .filter_map(|&kind| all_counts.get(&(scope.clone(), kind)))
        .collect()
}

fn oldest(all_counts: &[&AgentCounts], now: Timestamp) -> Option<OldestProblem> {
    let problems = all_counts.iter().flat_map(|it| &it.oldest);
    let (health, since) = problems.min_by_key(|(health, since)| (**since, **health))?;
    Some(OldestProblem {
        health: health.as_str(),
        since: moment(*since),
        age_seconds: now.seconds_since(*since),
    })
}

fn tallied<V: Counted>(
    fleet: &FleetStats,
    counts: impl Fn(&AgentCounts) -> &CountByLabel<V>,
) -> Option<BTreeMap<String, u64>> {
    let all_counts = fleet.agents.as_ref()?.values();
    Some(sum(all_counts.map(counts)))
}

/// The sums of these counts, with every known value.
fn sum<'a, V: Counted>(counts: impl Iterator<Item = &'a CountByLabel<V>>) -> BTreeMap<String, u64> {
    let zeros = V::ALL.iter().map(|it| (it.as_str().to_owned(), 0));
    let mut total: BTreeMap<String, u64> = zeros.collect();
    for (name, count) in counts.flat_map(CountByLabel::iter) {
        match total.get_mut(name) {
            Some(sum) => *sum += count,
            None => drop(total.insert(name.into(), count)),
        }
    }
    total
}
