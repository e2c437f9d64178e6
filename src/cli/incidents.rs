//! `incidents`: what agents with problems have in common, a block for each.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::question_args::IncidentsArgs;
use crate::fleet::report::format::moment;
use crate::incident::report::IncidentSummary;

use super::fleet_question::KnownFleet;
use super::incident_blocks::blocks;
use super::{CommandError, print, print_json, runtime, settings};

/// What `--help` says last.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 no incident, 3 some, 1 the fleet is unknown";

/// There are incidents.
const SOME: u8 = 3;

#[derive(Serialize)]
struct Answer {
    at: String,
    incidents: Vec<IncidentSummary>,
}

pub(super) fn run(args: &IncidentsArgs) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let reading = KnownFleet::read(&database, &limits, &args.incident, &[]);
    let known = runtime()?.block_on(reading)?;
    let incidents = known.incidents.iter();
    if args.question.json {
        print_json(&Answer {
            at: moment(known.fleet.snapshot.now),
            incidents: incidents
                .map(|it| IncidentSummary::of(&known.fleet, it))
                .collect(),
        })?;
    } else if known.incidents.is_empty() {
        print("No incident.\n")?;
    } else {
        print(&blocks(&known))?;
    }
    Ok(match known.incidents.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(SOME),
    })
}
