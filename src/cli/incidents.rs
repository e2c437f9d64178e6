//! `incidents`: what agents with problems have in common, a block for each.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::question_args::ListArgs;
use crate::fleet::report::format::moment;
use crate::incident::report::IncidentSummary;

use super::fleet_question::KnownFleet;
use super::incident_blocks::blocks;
use super::incident_table::{COLUMNS, table};
use super::listing::{Listing, in_format};
use super::table::place_to_sort_by;
use super::watch::answer;
use super::{CommandError, settings};

/// What `--help` says last.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 no incident, 3 some, 1 the fleet is unknown";

/// There are incidents.
const SOME: u8 = 3;

#[derive(Serialize)]
struct Answer {
    at: String,
    incidents: Vec<IncidentSummary>,
}

pub(super) fn run(args: &ListArgs) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    let filter = args.filter.filter();
    place_to_sort_by(&COLUMNS, args.list.sort.as_deref())?;
    answer(args.list.watch, async || {
        let known = KnownFleet::read(&database, &limits, &args.incident, &[]).await?;
        let (_, incidents) = known.only(filter.as_ref(), &limits);
        let table = table(&known.fleet, &incidents);
        let fields = || {
            let incidents = incidents.iter();
            Answer {
                at: moment(known.fleet.snapshot.now),
                incidents: incidents
                    .map(|it| IncidentSummary::of(&known.fleet, it))
                    .collect(),
            }
        };
        let text = in_format(
            &args.list,
            Listing { table, fields },
            |_, layout| match incidents.is_empty() {
                true => "No incident.\n".to_owned(),
                false => blocks(&known, incidents.iter().copied(), layout.width),
            },
        )?;
        let code = match incidents.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(SOME),
        };
        Ok((text, code))
    })
}
