//! `status`: shows the fleet as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::config::question_args::StatusArgs;
use crate::fleet::model::agent::Kind;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::coder_summary::CoderSummary;
use crate::fleet::report::format::{age, moment};
use crate::fleet::report::summary::StatusSummary;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::{AgentProblem, FleetStats};
use crate::incident::membership::Membership;
use crate::incident::model::Incident;
use crate::incident::report::IncidentSummary;

use super::agent_table::{self, name_of};
use super::fleet_question::KnownFleet;
use super::incident_blocks::blocks;
use super::listing::{Listing, in_format};
use super::table::{Layout, Table, place_to_sort_by};
use super::text::{FAINT, STRONG, fit, of_health, styled};
use super::watch::answer;
use super::width::Answer;
use super::{CommandError, settings, template_table};

/// What the table shows besides the agents and what they may have in common.
const MORE: &[Collector] = &[Collector::Causes];

/// The output of `-o json`.
#[derive(Serialize)]
struct Fields<'a> {
    #[serde(flatten)]
    status: StatusSummary<'a>,
    incidents: Vec<IncidentSummary>,
}

pub(super) fn run(args: &StatusArgs) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let filter = args.filter.filter();
    let sort = args.list.sort.as_deref();
    match args.problems {
        true => place_to_sort_by(&agent_table::COLUMNS, sort)?,
        false => place_to_sort_by(&template_table::columns(), sort)?,
    };
    answer(args.list.watch, async || {
        let known = KnownFleet::read(&database, &limits, &args.incident, MORE).await?;
        let (fleet, incidents) = known.only(filter.as_ref(), &limits);
        let shown = Status {
            known: &known,
            fleet: &fleet,
            incidents,
            membership: Membership::of(&known.fleet, &known.incidents),
            target: database.target(),
            lists_problems: args.problems,
        };
        let listing = Listing {
            table: shown.table(),
            fields: || shown.fields(),
        };
        let text = in_format(&args.list, listing, |table, it| shown.text(table, it))?;
        Ok((text, ExitCode::SUCCESS))
    })
}

/// What is shown: the agents that pass the filter, and the incidents that they are in.
struct Status<'a> {
    known: &'a KnownFleet,
    fleet: &'a FleetStats,
    incidents: Vec<&'a Incident>,
    membership: Membership<'a>,
    target: &'a str,
    lists_problems: bool,
}

impl Status<'_> {
    fn table(&self) -> Table {
        match self.lists_problems {
            true => agent_table::problems(self.fleet, &self.membership),
            false => template_table::table(self.fleet),
        }
    }

    fn fields(&self) -> Fields<'_> {
        let advice = |agent| Some(self.membership.get(agent)?.advice());
        let of_all = &self.known.fleet;
        let incidents = self.incidents.iter();
        Fields {
            status: StatusSummary::of(self.fleet, &CoderSummary::of(of_all, None), advice),
            incidents: incidents
                .map(|it| IncidentSummary::of(of_all, it))
                .collect(),
        }
    }

    fn text(&self, table: &Table, layout: Layout) -> String {
        let mut out = Answer::new(layout.width);
        let now = moment(self.fleet.snapshot.now);
        let target = layout.width.name(self.target, 4 + now.len());
        let _ = writeln!(out, "{target} at {now}\n");
        self.write_coder(&mut out);
        if !self.incidents.is_empty() {
            let incidents = self.incidents.iter().copied();
            let blocks = blocks(self.known, incidents, layout.width);
            let _ = writeln!(out, "{blocks}");
        }
        let totals = match self.lists_problems {
            true => &template_table::table(self.fleet),
            false => table,
        };
        let _ = writeln!(out, "{}", totals.text(layout));
        if self.fleet.problems().len() == 0 {
            let _ = writeln!(out, "No agent has a problem.");
        } else if self.lists_problems {
            let _ = write!(out, "{}", table.text(layout));
            self.write_advice(&mut out);
        } else {
            self.write_oldest(&mut out);
        }
        out.text
    }

    /// Nothing where Coder is alive, or nothing is known of it.
    fn write_coder(&self, out: &mut Answer) {
        let fleet = &self.known.fleet;
        let state = fleet.coder_state();
        if let Some(CoderState::Down { since, .. }) = state {
            let age = age(fleet.snapshot.now.seconds_since(since));
            let cause = state.and_then(CoderState::cause).unwrap_or_default();
            let sentence = format!("Coder has been down for {age}: {cause}.");
            let sentence = styled(of_health(Health::Disconnected), &sentence);
            let _ = writeln!(out, "{sentence}\n");
        }
    }

    /// Writes the number of agents and the oldest one for each problem.
    fn write_oldest(&self, out: &mut Answer) {
        let mut kinds: BTreeMap<Health, (u64, AgentProblem<'_>)> = BTreeMap::new();
        for problem in self.fleet.problems() {
            let entry = kinds.entry(problem.health).or_insert((0, problem));
            entry.0 += 1;
        }
        let header = format!("{} {:>6}  OLDEST", fit("PROBLEM", 17), "AGENTS");
        let _ = writeln!(out, "{}", styled(STRONG, &header));
        for (health, (count, oldest)) in kinds {
            let name = styled(of_health(health), &fit(health.as_str(), 17));
            let age = age(self.fleet.snapshot.now.seconds_since(oldest.since));
            let oldest = out.width.name(&name_of(oldest.agent), 17 + 9 + 10);
            let _ = writeln!(out, "{name} {count:>6}  {age:<9} {oldest}");
        }
        let hint = "status --problems lists each agent; explain says why.";
        let _ = writeln!(out, "\n{}", styled(FAINT, hint));
    }

    /// Writes each advice once, with the problems that it is for. That of incidents stands above.
    fn write_advice(&self, out: &mut Answer) {
        let mut advice: Vec<(String, &'static str)> = Vec::new();
        let is_single = |it: &AgentProblem<'_>| self.membership.get(it.agent.id).is_none();
        for problem in self.fleet.problems().filter(is_single) {
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
            let text = out.width.wrapped(text, 2);
            let _ = writeln!(out, "\n{}\n  {text}", styled(STRONG, &name));
        }
    }
}
