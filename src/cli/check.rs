//! `check`: tests settings, connection, grants, schema and one collection, one line each.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::coder_api::CoderApi;
use crate::collect::{Collect, CollectSettings};
use crate::config::args::{CheckArgs, ExporterArgs, ServeArgs};
use crate::config::postgres_url::PostgresUrl;
use crate::config::probe_args::Dialing;
use crate::fleet::model::label_value::Variants;
use crate::fleet::probe::scope::ProbeScope;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::stats::collection::{CollectionResult, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::postgres::catalog::{Catalog, ColumnSet};
use crate::postgres::database::Database;
use crate::postgres::lookup::{activity, directory, kept_alive};
use crate::postgres::reads_of;

use super::check_report::Report;
use super::settings::CoderAccess;
use super::{CommandError, runtime, settings as from_args};

pub(super) fn run(args: &CheckArgs) -> Result<ExitCode, CommandError> {
    let mut report = Report::new(args.output.format());
    let checked = check(&args.serve, args.offline, &mut report);
    let checked = checked.map_err(|error| error.with_others(&args.serve));
    if let Err(CommandError::Settings(errors)) = &checked
        && args.output.format().is_some()
    {
        // People read them on stderr.
        errors.iter().for_each(|it| report.bad("settings", it));
        report.end()?;
        return checked.map(|()| ExitCode::FAILURE);
    }
    checked?;
    report.end()
}

/// What the command says, a line each.
///
/// # Errors
///
/// When a setting is wrong.
pub(super) fn lines(args: &ServeArgs) -> Result<String, CommandError> {
    let mut report = Report::silent();
    let checked = check(args, false, &mut report);
    checked.map_err(|error| error.with_others(args))?;
    Ok(report.lines())
}

fn check(serve: &ServeArgs, offline: bool, report: &mut Report) -> Result<(), CommandError> {
    let url = from_args::postgres_url(&serve.postgres)?;
    let settings = from_args::collection(&serve.exporter)?;
    let dialing = from_args::dialing(&serve.exporter)?;
    let coder = from_args::coder_access(&serve.exporter)?;
    let max_connections = serve.postgres.max_connections;
    let database = from_args::database(&url, &serve.postgres)?;
    let collect = Collect::new(database.clone(), settings.clone());
    // For what serve would refuse, as a single connection for both probe and scrapes.
    from_args::probe(&serve.exporter, max_connections, &collect)?;
    from_args::links(&serve.exporter)?;
    check_settings(report, &url, &serve.exporter, dialing.as_ref());
    if offline {
        check_offline(report, &url, coder.as_ref());
        return Ok(());
    }
    let scope = dialing.as_ref().map(|it| serve.exporter.probe.scope(it));
    let timeout = serve.exporter.collect.timeout;
    runtime()?.block_on(async {
        let needed = needed(&settings, scope);
        let collection = check_database(report, &database, &settings, &needed, timeout).await;
        let Some((url, token)) = &coder else {
            return;
        };
        let dials = matches!(dialing, Some(Dialing::Coderd(..)));
        match from_args::coder_api(url, token.as_ref()) {
            Ok(api) => {
                let rights = match (dials, token) {
                    (true, _) => Rights::Agents(collection.as_ref()),
                    (false, Some(_)) => Rights::Token,
                    (false, None) => Rights::None,
                };
                check_coder(report, &api, rights).await;
            }
            Err(error) => report.bad("coder", &error),
        }
    });
    Ok(())
}

/// What needs no connection: what the settings name, and the files among them.
fn check_settings(
    report: &mut Report,
    url: &PostgresUrl,
    args: &ExporterArgs,
    dialing: Option<&Dialing>,
) {
    report.good("settings", &format!("database {}", url.target()));
    if !url.ignored.is_empty() {
        let options = url.ignored.join(", ");
        report.good(
            "settings",
            &format!("ignored options in the URL: {options}"),
        );
    }
    for note in &url.notes {
        report.good("settings", note);
    }
    if args.web.config_file.is_some() {
        match from_args::web_config(&args.web) {
            Ok(config) => report.good("web config", &config.describe()),
            Err(error) => report.bad("web config", &error),
        }
    }
    if let Some(dialing) = dialing {
        let scope = args.probe.scope(dialing).as_str();
        report.good("settings", &format!("{dialing}; probe scope {scope}"));
    }
}

/// What else was read without a connection.
fn check_offline(report: &mut Report, url: &PostgresUrl, coder: Option<&CoderAccess>) {
    report.good("database tls", &url.tls.describe());
    if let Some((url, token)) = coder {
        let token = match token {
            Some(_) => "a token that can be read",
            None => "no token",
        };
        report.good("coder", &format!("{url}, with {token}"));
    }
    report.good("offline", "neither the database nor Coder was asked");
}

fn needed(settings: &CollectSettings, scope: Option<ProbeScope>) -> Vec<ColumnSet> {
    let mut needed = reads_of(&settings.collectors);
    if let Some(scope) = scope {
        needed.extend(directory::reads());
        match scope {
            ProbeScope::InUse => needed.extend(activity::READS),
            ProbeScope::All => needed.extend(kept_alive::READS),
        }
    }
    needed
}

/// Connection, schema, grants, and one collection; the collection where it came to that.
async fn check_database(
    report: &mut Report,
    database: &Database,
    settings: &CollectSettings,
    needed: &[ColumnSet],
    timeout: Duration,
) -> Option<CollectionResult> {
    let started = Instant::now();
    let catalog = match database.catalog(needed, started + timeout).await {
        Ok(catalog) => catalog,
        Err(failure) => {
            report.bad("connection", &failure);
            return None;
        }
    };
    let answered = format!("answered in {} ms", started.elapsed().as_millis());
    report.good("connection", &answered);
    check_catalog(report, needed, &catalog);
    // The statement that mends the first is what to do next: it may mend the others too.
    if report.has_failed() {
        return None;
    }
    let deadline = Instant::now() + timeout;
    let collection = database.collection(settings.wanted(), deadline).await;
    check_collection(report, &collection);
    Some(collection)
}

fn check_catalog(report: &mut Report, needed: &[ColumnSet], catalog: &Catalog) {
    match catalog.check_supported() {
        Ok(()) => report.good("schema", &describe(catalog)),
        Err(failure) => return report.bad("schema", &failure),
    }
    match catalog.check(needed) {
        Ok(()) => report.good("grants", "every column and row can be read"),
        Err(failure) => report.bad("grants", &failure),
    }
}

fn describe(catalog: &Catalog) -> String {
    let has = |table, column| match catalog.has(table, column) {
        true => "yes",
        false => "no",
    };
    format!(
        "supported; sub-agents {}, soft delete {}, bound chats {}",
        has("workspace_agents", "parent_id"),
        has("workspace_agents", "deleted"),
        has("chats", "agent_id"),
    )
}

fn check_collection(report: &mut Report, collection: &CollectionResult) {
    let fleet = match &collection.fleet {
        Ok(fleet) => fleet,
        Err(failure) => return report.bad("collection", failure),
    };
    for it in &collection.reports {
        let name = it.collector.as_str();
        match &it.outcome {
            Outcome::Loaded { duration, rows } => {
                let took = duration.as_millis();
                report.good(
                    &format!("collector {name}"),
                    &format!("{rows} rows in {took} ms"),
                );
            }
            Outcome::Failed(failure) => report.bad(&format!("collector {name}"), failure),
            Outcome::Unsupported { missing } => {
                report.good(
                    &format!("collector {name}"),
                    &format!("off: this Coder version has no {missing}"),
                );
            }
            Outcome::NotRun => report.missed(&format!("collector {name}")),
        }
    }
    for note in &fleet.snapshot.notes {
        report.warn("collection", note);
    }
    report.good("collection", &summary(fleet));
}

/// What the token must be able to do.
enum Rights<'a> {
    /// Nothing: there is none, and only whether Coder answers is asked.
    None,
    /// It belongs to a user.
    Token,
    /// It may read the agents of others, as the probe does.
    Agents(Option<&'a CollectionResult>),
}

/// Whether Coder answers, and what the token may; nothing is dialed.
async fn check_coder(report: &mut Report, api: &CoderApi, rights: Rights<'_>) {
    match api.healthz().await {
        Ok(took) => {
            let took = took.as_millis();
            report.good("coder", &format!("{} answered in {took} ms", api.url()));
        }
        Err(failure) => return report.bad("coder", &failure),
    }
    match api.version().await {
        Ok(version) => report.good("coder version", &sanitize(&version)),
        Err(failure) => report.bad("coder version", &failure),
    }
    if matches!(rights, Rights::None) {
        return;
    }
    let username = match api.username().await {
        Ok(username) => username,
        Err(failure) => return report.bad("coder token", &failure),
    };
    let user = sanitize(&username);
    report.good("coder token", &format!("valid; its user is {user}"));
    let Rights::Agents(collection) = rights else {
        return;
    };
    let agent = collection.and_then(|it| foreign_agent(it, &username));
    let Some(agent) = agent else {
        return report.good("coder agents", "not checked: there is no agent to read");
    };
    match api.may_read(agent).await {
        Ok(()) => report.good("coder agents", "the token may read agents"),
        Err(failure) => report.bad("coder agents", &failure),
    }
}

/// An agent of another user, if there is one: everybody may read their own.
fn foreign_agent(collection: &CollectionResult, username: &str) -> Option<Uuid> {
    let fleet = collection.fleet.as_ref().ok()?;
    let agents = fleet.snapshot.agents.iter().flatten();
    let agent = agents.max_by_key(|it| &*it.owner != username);
    agent.map(|it| it.id)
}

fn summary(fleet: &FleetStats) -> String {
    let agents = fleet.snapshot.agents.as_ref();
    match agents {
        Some(agents) => format!(
            "{} agents, {} with a problem",
            agents.len(),
            fleet.problems().len()
        ),
        None => "agents are unknown".into(),
    }
}
