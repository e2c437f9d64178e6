//! `incidents`: what agents with problems have in common, a block for each.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use tokio::time::Instant;

use crate::config::question_args::IncidentsArgs;
use crate::error::Failure;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::{age, moment};
use crate::fleet::stats::collection::Collector;
use crate::incident::facts::incidents_of;
use crate::incident::model::{Common, Incident, IncidentSettings};
use crate::incident::report::IncidentSummary;
use crate::postgres::database::CollectionRequest;

use super::text::{BAD, FAINT, WIDTH, fit, styled};
use super::{CommandError, PATIENCE, print, print_json, runtime, settings};

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
    let metadata_keys = args.incident.metadata_keys();
    let mut collectors = vec![
        Collector::Agents,
        Collector::Workspaces,
        Collector::Replicas,
        Collector::Provisioners,
    ];
    if !metadata_keys.is_empty() {
        collectors.push(Collector::Metadata);
    }
    let wanted = CollectionRequest {
        collectors: &collectors,
        limits: &limits,
        named_apps: false,
        metadata_keys: &metadata_keys,
    };
    let collection = runtime()?.block_on(database.collection(wanted, Instant::now() + PATIENCE));
    // Without the others something that agents may have in common is missing, or whether Coder runs.
    let is_fatal =
        |it: &(Option<Collector>, &Failure)| matches!(it.0, None | Some(Collector::Agents));
    if let Some((_, failure)) = collection.failures().find(is_fatal) {
        return Err(anyhow!("{failure}").into());
    }
    let fleet = collection.fleet.map_err(|failure| anyhow!("{failure}"))?;
    let gap = args.incident.gap;
    let incidents = incidents_of(&fleet, IncidentSettings { gap });
    let now = fleet.snapshot.now;
    if args.question.json {
        print_json(&Answer {
            at: moment(now),
            incidents: incidents.iter().map(IncidentSummary::of).collect(),
        })?;
    } else {
        print(&written(&incidents, now))?;
    }
    Ok(match incidents.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(SOME),
    })
}

/// The blocks, the largest incident first.
fn written(incidents: &[Incident], now: Timestamp) -> String {
    let mut out = String::new();
    if incidents.is_empty() {
        out.push_str("No incident.\n");
    }
    for (number, incident) in incidents.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        write_block(&mut out, incident, now);
    }
    out
}

fn write_block(out: &mut String, incident: &Incident, now: Timestamp) {
    let title = fit(&title(incident), WIDTH);
    let _ = writeln!(out, "{}", styled(BAD, title.trim_end()));
    let mut line = |name: &str, text: &str| {
        let text = fit(text, WIDTH - 12);
        let _ = writeln!(
            out,
            "  {} {}",
            styled(FAINT, &fit(name, 9)),
            text.trim_end()
        );
    };
    let ago = |at: Option<Timestamp>| at.map(|it| age(now.seconds_since(it)));
    let agents = format!(
        "{} of {} that could have been hit; {} workspaces, {} users",
        incident.members.len(),
        incident.expected,
        incident.workspaces,
        incident.owners,
    );
    let growing = if incident.is_growing { ", growing" } else { "" };
    let since = match (incident.first, ago(incident.first), ago(incident.last)) {
        (Some(first), Some(age), Some(last)) => {
            format!("{}, {age} ago; the last {last} ago{growing}", moment(first))
        }
        _ => "unknown".to_owned(),
    };
    let also = incident.also.iter();
    let also = also.map(|(dimension, value)| format!("{} {value}", dimension.name()));
    let runners_up = incident.runners_up.iter();
    let runners_up =
        runners_up.map(|(dimension, value, _)| format!("{} {value}", dimension.name()));
    line("agents", &agents);
    line("since", &since);
    also.for_each(|it| line("the same", &it));
    runners_up.for_each(|it| line("or", &it));
}

fn title(incident: &Incident) -> String {
    let (kind, family) = (incident.kind.as_str(), incident.family.as_str());
    match &incident.common {
        Common::Coder => format!("{kind} {family}: Coder itself does not run"),
        Common::Deployment => format!("{kind} {family}: most of the deployment"),
        Common::Value(dimension, value) => {
            format!("{kind} {family}: {} {value}", dimension.name())
        }
        Common::None => format!("{kind} {family}: together, with nothing known in common"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;
    use crate::fleet::model::agent::Kind;
    use crate::incident::population::{Dimension, Family};

    #[test]
    fn block_says_what_is_shared_how_many_and_since_when() {
        let incident = Incident {
            kind: Kind::Root,
            family: Family::StartFailed,
            common: Common::Value(Dimension::Template, "acme/docker".into()),
            also: vec![(Dimension::TemplateVersion, "acme/docker/v7".into())],
            runners_up: vec![(Dimension::Provisioner, "prov-1".into(), 12.5)],
            score: 40.0,
            members: (0..41).collect(),
            expected: 44,
            workspaces: 41,
            owners: 38,
            first: Some(at(-90)),
            last: Some(at(-60)),
            is_growing: true,
        };
        let text = written(&[incident], at(0));
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            plain,
            "root start_failed: template acme/docker\n  \
             agents    41 of 44 that could have been hit; 41 workspaces, 38 users\n  \
             since     2024-12-31T23:58:30Z, 1m 30s ago; the last 1m 0s ago, growing\n  \
             the same  template_version acme/docker/v7\n  \
             or        provisioner prov-1\n"
        );
        assert_eq!(written(&[], at(0)), "No incident.\n");
    }
}
