//! The sections of the file.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::collect::{Collect, CollectSettings};
use crate::config::args::ServeArgs;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::metrics::exposition::Format;
use crate::metrics::page::{Addresses, AgentLabels, Detail, Page};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::database::Database;
use crate::postgres::reads_of;
use crate::process;

use super::super::version::Version;
use super::super::{CommandError, PATIENCE, settings as from_args};

/// So many are timed: the first also opens the connection and warms caches up.
const COLLECTIONS: usize = 2;

/// A part of the file.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) text: String,
}

/// What the sections show beside the answers of the database.
pub(super) struct Inputs<'a> {
    /// The settings in effect.
    pub(super) effective: &'a str,
    /// Number of settings that were given under a deprecated name.
    pub(super) deprecated_settings: u64,
    /// What `check` says.
    pub(super) checks: String,
}

/// All sections. What cannot be found out is said in its place.
pub(super) async fn sections(
    args: &ServeArgs,
    database: &Database,
    inputs: Inputs<'_>,
) -> Result<Vec<Section>, CommandError> {
    let section = |title, what, text| Section { title, what, text };
    let settings = from_args::collection(&args.exporter)?;
    let fresh = CollectSettings {
        min_interval: Duration::ZERO,
        ..settings.clone()
    };
    let collect = Collect::new(database.clone(), fresh);
    let mut timings = String::new();
    let mut last = None;
    for number in 1..=COLLECTIONS {
        let began = Instant::now();
        let collection = collect.collection(began + PATIENCE).await;
        let _ = writeln!(timings, "collection {number}: {:?}", began.elapsed());
        write_reports(&mut timings, &collection);
        last = Some(collection);
    }
    let agents = last.as_ref().map_or(0, |it| it.agent_count());
    let page = last.map(|it| page(&collect, it, inputs.deprecated_settings));
    let began = Instant::now();
    let metrics = page.map(|it| Format::Text.write(&Arc::new(it)));
    let metrics = metrics.and_then(Result::ok).unwrap_or_default();
    let (took, bytes) = (began.elapsed(), metrics.len());
    let _ = writeln!(timings, "metrics page: {bytes} bytes in {took:?}");
    let metrics = without_owners(&String::from_utf8_lossy(&metrics));
    Ok(vec![
        section(
            "version",
            "which program this is",
            Version::of_this().text(),
        ),
        section(
            "settings",
            "the settings in force, without secrets, as at /-/config",
            inputs.effective.to_owned(),
        ),
        section("check", "what the command check says", inputs.checks),
        section(
            "catalog",
            "which columns the database has, and which may be read",
            catalog(database, &reads_of(&settings.collectors)).await,
        ),
        section(
            "timings",
            "how long two collections and the metrics page took",
            timings,
        ),
        section(
            "plans",
            "how Postgres would run each statement (EXPLAIN; none is run)",
            plans(database, &settings.collectors, agents).await,
        ),
        section(
            "metrics",
            "the metrics page as with --metrics.agent-labels=ids",
            metrics,
        ),
    ])
}

fn write_reports(out: &mut String, collection: &CollectionResult) {
    if let Err(failure) = &collection.fleet {
        let _ = writeln!(out, "  failed: {}", sanitize(&failure.to_string()));
    }
    for report in &collection.reports {
        let name = report.collector.as_str();
        let said = match &report.outcome {
            Outcome::Loaded { duration, rows } => format!("{rows} rows in {duration:?}"),
            Outcome::Failed(failure) => sanitize(&failure.to_string()),
            Outcome::Unsupported { missing } => format!("off: there is no {missing}"),
            Outcome::NotRun => "not run".to_owned(),
        };
        let _ = writeln!(out, "  {name:<14}  {said}");
    }
}

async fn catalog(database: &Database, reads: &[ColumnSet]) -> String {
    match database.catalog(reads, Instant::now() + PATIENCE).await {
        Ok(catalog) => catalog.describe(reads).join("\n"),
        Err(failure) => sanitize(&failure.to_string()),
    }
}

async fn plans(database: &Database, collectors: &[Collector], agents: usize) -> String {
    let plans = database
        .plans(collectors, agents, Instant::now() + PATIENCE)
        .await;
    let plans = match plans {
        Ok(plans) => plans,
        Err(failure) => return sanitize(&failure.to_string()),
    };
    let mut text = String::new();
    for plan in plans {
        let _ = writeln!(
            text,
            "-- {}\n{}",
            plan.collector.as_str(),
            plan.sql.trim_end()
        );
        match plan.lines {
            Ok(lines) => lines.iter().for_each(|it| {
                let _ = writeln!(text, "    {}", sanitize(it));
            }),
            Err(failure) => {
                let _ = writeln!(text, "    {}", sanitize(&failure.to_string()));
            }
        }
        text.push('\n');
    }
    text
}

fn page(
    collect: &Collect<Database>,
    collection: Arc<CollectionResult>,
    deprecated_settings: u64,
) -> Page {
    Page {
        incidents: collect.incidents_of(&collection),
        collection,
        transitions: collect.transitions(),
        service_level: collect.service_level(),
        errors: collect.errors(),
        probe: None,
        activity: None,
        coder: None,
        process: process::stats(),
        detail: Detail {
            agent_labels: AgentLabels::Ids,
            ..Detail::default()
        },
        addresses: Addresses::default(),
        is_config_current: true,
        tls_refused: 0,
        deprecated_settings,
        budget: Arc::default(),
    }
}

/// The page without the names of users that incidents have as their value.
fn without_owners(page: &str) -> String {
    /// What stands before such a name.
    const OF_OWNER: &str = "factor=\"owner\",value=\"";
    let lines = page.lines().map(|line| match line.split_once(OF_OWNER) {
        Some((before, rest)) => {
            let after = rest.rfind("\"}").map_or("", |end| &rest[end..]);
            format!("{before}{OF_OWNER}…{after}\n")
        }
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_not_named_in_incidents() {
        let page = "a{kind=\"root\",factor=\"owner\",value=\"a\\\"}da\"} 3\n\
                    a{kind=\"root\",factor=\"template\",value=\"acme/x\"} 3\n";
        let expected = "a{kind=\"root\",factor=\"owner\",value=\"…\"} 3\n\
                        a{kind=\"root\",factor=\"template\",value=\"acme/x\"} 3\n";
        assert_eq!(without_owners(page), expected);
    }
}
