//! `status`: shows the fleet as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::config::question_args::StatusArgs;
use crate::fleet::model::agent::Kind;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::{age, moment};
use crate::fleet::report::summary::StatusSummary;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::{AgentProblem, FleetStats};
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in, total};
use crate::incident::membership::Membership;
use crate::incident::report::IncidentSummary;

use super::fleet_question::KnownFleet;
use super::incident_blocks::blocks;
use super::text::{FAINT, STRONG, WIDTH, fit, of_health, styled, wrapped};
use super::{CommandError, print, print_json, runtime, settings};

/// What the table shows besides the agents and what they may have in common.
const MORE: &[Collector] = &[Collector::Causes];

/// The output of `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    status: StatusSummary<'a>,
    incidents: Vec<IncidentSummary>,
}

pub(super) fn run(args: &StatusArgs) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let reading = KnownFleet::read(&database, &limits, &args.incident, MORE);
    let known = runtime()?.block_on(reading)?;
    let KnownFleet { fleet, incidents } = &known;
    let membership = Membership::of(fleet, incidents);
    if args.question.json {
        let advice = |agent| Some(membership.get(agent)?.advice());
        let summaries = incidents.iter().map(|it| IncidentSummary::of(fleet, it));
        return print_json(&Answer {
            status: StatusSummary::of(fleet, advice),
            incidents: summaries.collect(),
        });
    }
    let mut out = String::new();
    let now = moment(fleet.snapshot.now);
    let target = fit(database.target(), WIDTH - 4 - now.len());
    let _ = writeln!(out, "{} at {now}\n", target.trim_end());
    write_coder(&mut out, fleet);
    if !incidents.is_empty() {
        let _ = writeln!(out, "{}", blocks(&known));
    }
    write_totals(&mut out, fleet);
    match args.problems {
        true => write_problems(&mut out, fleet, &membership),
        false => write_oldest(&mut out, fleet),
    }
    print(&out)
}

/// Nothing where Coder is alive, or nothing is known of it.
fn write_coder(out: &mut String, fleet: &FleetStats) {
    let state = fleet.coder_state();
    if let Some(CoderState::Down { since, .. }) = state {
        let age = age(fleet.snapshot.now.seconds_since(since));
        let cause = state.and_then(CoderState::cause).unwrap_or_default();
        let sentence = format!("Coder has been down for {age}: {cause}.");
        let _ = writeln!(
            out,
            "{}\n",
            styled(of_health(Health::Disconnected), &sentence)
        );
    }
}

fn write_totals(out: &mut String, fleet: &FleetStats) {
    let header = format!(
        "{} {} {:>8} {:>8} {:>8} {:>8} {:>8}",
        fit("ORGANIZATION", 15),
        fit("TEMPLATE", 18),
        "AGENTS",
        "HEALTHY",
        "STARTING",
        "SHUTDOWN",
        "PROBLEMS"
    );
    let _ = writeln!(out, "{}", styled(STRONG, &header));
    let rows = by_template(fleet);
    for (scope, row) in &rows {
        write_total(out, &scope.organization, &scope.template, row);
    }
    if rows.len() != 1 {
        write_total(out, "all", "", &total(&rows));
    }
}

fn write_total(out: &mut String, organization: &str, template: &str, row: &ByHealth) {
    let count = |health| row.get(&health).copied().unwrap_or_default();
    let problems = problems_in(row);
    let shown = format!("{problems:>8}");
    let shown = match problems {
        0 => styled(of_health(Health::Healthy), &shown),
        _ => styled(of_health(Health::Disconnected), &shown),
    };
    let _ = writeln!(
        out,
        "{} {} {:>8} {:>8} {:>8} {:>8} {shown}",
        fit(organization, 15),
        fit(template, 18),
        row.values().sum::<u64>(),
        count(Health::Healthy),
        count(Health::Connecting) + count(Health::Starting),
        count(Health::Shutdown),
    );
}

/// Writes the number of agents and the oldest one for each problem.
fn write_oldest(out: &mut String, fleet: &FleetStats) {
    let mut kinds: BTreeMap<Health, (u64, AgentProblem<'_>)> = BTreeMap::new();
    for problem in fleet.problems() {
        let entry = kinds.entry(problem.health).or_insert((0, problem));
        entry.0 += 1;
    }
    if kinds.is_empty() {
        let _ = writeln!(out, "\nNo agent has a problem.");
        return;
    }
    let header = format!("\n{} {:>6}  OLDEST", fit("PROBLEM", 17), "AGENTS");
    let _ = writeln!(out, "{}", styled(STRONG, &header));
    for (health, (count, oldest)) in kinds {
        let name = styled(of_health(health), &fit(health.as_str(), 17));
        let age = age(fleet.snapshot.now.seconds_since(oldest.since));
        let oldest = fit(&name_of(&oldest), WIDTH - 17 - 8 - 11);
        let _ = writeln!(out, "{name} {count:>6}  {age:<9} {}", oldest.trim_end());
    }
    let hint = "Run status --problems to list each agent, and explain to see why.";
    let _ = writeln!(out, "\n{}", styled(FAINT, hint));
}

/// `owner/workspace.agent`, the form that `explain` accepts.
fn name_of(problem: &AgentProblem<'_>) -> String {
    let agent = problem.agent;
    format!("{}/{}.{}", agent.owner, agent.workspace, agent.name)
}

fn write_problems(out: &mut String, fleet: &FleetStats, membership: &Membership<'_>) {
    if fleet.problems().len() == 0 {
        let _ = writeln!(out, "\nNo agent has a problem.");
        return;
    }
    let header = format!(
        "\n{} {} {} TEMPLATE",
        fit("FOR", 9),
        fit("PROBLEM", 17),
        fit("AGENT", 34)
    );
    let _ = writeln!(out, "{}", styled(STRONG, &header));
    for problem in fleet.problems() {
        let template = fleet.snapshot.scopes.get(problem.agent.scope);
        let template = template.map(|scope| &*scope.template).unwrap_or_default();
        let _ = writeln!(
            out,
            "{} {} {} {}",
            fit(&age(fleet.snapshot.now.seconds_since(problem.since)), 9),
            styled(of_health(problem.health), &fit(problem.health.as_str(), 17)),
            fit(&name_of(&problem), 34),
            fit(template, WIDTH - 9 - 17 - 34 - 3).trim_end(),
        );
    }
    write_advice(out, fleet, membership);
}

/// Writes each advice once, with the problems that it is for. That of incidents stands above.
fn write_advice(out: &mut String, fleet: &FleetStats, membership: &Membership<'_>) {
    let mut advice: Vec<(String, &'static str)> = Vec::new();
    let is_single = |it: &AgentProblem<'_>| membership.get(it.agent.id).is_none();
    for problem in fleet.problems().filter(is_single) {
        let kind = problem.agent.kind;
        let kind = (kind != Kind::Root).then(|| kind.as_str());
        let of: Vec<_> = [kind, problem.cause.map(Cause::as_str)]
            .into_iter()
            .flatten()
            .collect();
        let of = (!of.is_empty()).then(|| format!(" ({})", of.join(", ")));
        let name = format!("{}{}", problem.health.as_str(), of.unwrap_or_default());
        let text = problem.advice().unwrap_or_default();
        if !advice.iter().any(|(known, _)| *known == name) {
            advice.push((name, text));
        }
    }
    for (name, text) in advice {
        let text = wrapped(text, 2);
        let _ = writeln!(out, "\n{}\n  {text}", styled(STRONG, &name));
    }
}
