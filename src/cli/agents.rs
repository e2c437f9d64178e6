//! `agents`: lists the agents of the fleet, one a line.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::question_args::ListArgs;
use crate::fleet::report::format::moment;
use crate::fleet::report::summary::{AgentSummary, Place};
use crate::fleet::rules::explain::explain;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::membership::Membership;
use crate::incident::model::Incident;

use super::agent_table::{COLUMNS, all};
use super::fleet_question::KnownFleet;
use super::listing::{Listing, in_format};
use super::table::place_to_sort_by;
use super::watch::answer;
use super::{CommandError, settings};

/// What is said of an agent besides its health, and what agents have in common.
const MORE: &[Collector] = &[Collector::Causes];

/// The output of `-o json`.
#[derive(Serialize)]
struct Answer<'a> {
    now: String,
    total: usize,
    agents: Vec<ListedAgent<'a>>,
}

#[derive(Serialize)]
struct ListedAgent<'a> {
    #[serde(flatten)]
    agent: AgentSummary<'a>,
    #[serde(flatten)]
    place: Place<'a>,
    incident_id: Option<String>,
    age_seconds: Option<f64>,
}

pub(super) fn run(args: &ListArgs) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let filter = args.filter.filter();
    place_to_sort_by(&COLUMNS, args.list.sort.as_deref())?;
    answer(args.list.watch, async || {
        let known = KnownFleet::read(&database, &limits, &args.incident, MORE).await?;
        let (fleet, _) = known.only(filter.as_ref(), &limits);
        let membership = Membership::of(&known.fleet, &known.incidents);
        let table = all(&fleet, &membership);
        let fields = || fields(&fleet, &membership, &limits);
        let text = in_format(
            &args.list,
            Listing { table, fields },
            |table, layout| match table.rows.is_empty() {
                true => "No agent fits.\n".to_owned(),
                false => table.text(layout),
            },
        )?;
        Ok((text, ExitCode::SUCCESS))
    })
}

fn fields<'a>(fleet: &'a FleetStats, membership: &Membership<'_>, limits: &Limits) -> Answer<'a> {
    let snapshot = &fleet.snapshot;
    let agents = snapshot.agents.as_deref().unwrap_or_default();
    let listed = agents.iter().map(|agent| {
        let explanation = explain(agent, limits, snapshot.now);
        let since = explanation.assessment.since;
        let cause = snapshot.causes.get(&agent.id).copied();
        let scripts = snapshot.scripts.get(&agent.id);
        let scripts = scripts.map(Vec::as_slice).unwrap_or_default();
        let incident = membership.get(agent.id);
        let mut summary = AgentSummary::of(agent, explanation, cause, scripts);
        if let Some(incident) = incident {
            summary.advice = Some(incident.advice());
        }
        ListedAgent {
            agent: summary,
            place: Place::of(fleet, agent),
            incident_id: incident.map(Incident::id).map(|it| it.to_string()),
            age_seconds: since.map(|it| snapshot.now.seconds_since(it)),
        }
    });
    Answer {
        now: moment(snapshot.now),
        total: agents.len(),
        agents: listed.collect(),
    }
}
