//! `check`: tests settings, connection, grants, schema and one collection, one line each.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::time::Instant;
use uuid::Uuid;

use crate::coder_api::CoderApi;
use crate::collect::Collect;
use crate::config::args::ServeArgs;
use crate::config::probe_args::Dialing;
use crate::fleet::model::label_value::Variants;
use crate::fleet::probe::scope::ProbeScope;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::stats::collection::{CollectionResult, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::postgres::catalog::{Catalog, ColumnSet};
use crate::postgres::lookup::{activity, directory, kept_alive};
use crate::postgres::reads_of;

use super::{CommandError, runtime, settings as from_args};

pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    let url = from_args::postgres_url(&args.postgres)?;
    let settings = from_args::collection(&args.exporter)?;
    let dialing = from_args::dialing(&args.exporter)?;
    let max_connections = args.postgres.max_connections;
    let database = from_args::database(&url, &args.postgres)?;
    let collect = Collect::new(database.clone(), settings.clone());
    // For what serve would refuse, as a single connection for both probe and scrapes.
    from_args::probe(&args.exporter, max_connections, &collect)?;
    from_args::links(&args.exporter)?;
    let mut needed = reads_of(&settings.collectors);
    if let Some(dialing) = &dialing {
        needed.extend(directory::reads());
        match args.exporter.probe.scope(dialing) {
            ProbeScope::InUse => needed.extend(activity::READS),
            ProbeScope::All => needed.extend(kept_alive::READS),
        }
    }
    let mut report = Report::new();
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
    if args.exporter.web.config_file.is_some() {
        match from_args::web_config(&args.exporter.web) {
            Ok(config) => report.good("web config", &config.describe()),
            Err(error) => report.bad("web config", &error),
        }
    }
    if let Some(dialing) = &dialing {
        let scope = args.exporter.probe.scope(dialing).as_str();
        report.good("settings", &format!("{dialing}; probe scope {scope}"));
    }
    runtime()?.block_on(async {
        let deadline = || Instant::now() + args.exporter.collect.timeout;
        let started = Instant::now();
        let catalog = match database.catalog(&needed, deadline()).await {
            Ok(catalog) => catalog,
            Err(failure) => return report.bad("connection", &failure),
        };
        let answered = format!("answered in {} ms", started.elapsed().as_millis());
        report.good("connection", &answered);
        check_catalog(&mut report, &needed, &catalog);
        // The statement that mends the first is what to do next: it may mend the others too.
        if report.failed {
            return;
        }
        let collection = database.collection(settings.wanted(), deadline()).await;
        check_collection(&mut report, &collection);
        if let Some(Dialing::Coderd(url, token)) = &dialing {
            let api = from_args::coder_api(url, Some(token));
            match api {
                Ok(api) => check_coder(&mut report, &api, &collection).await,
                Err(error) => report.bad("coder", &error),
            }
        }
    });
    Ok(report.exit_code())
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

/// Whether the probe could ask Coder; nothing is dialed.
async fn check_coder(report: &mut Report, api: &CoderApi, collection: &CollectionResult) {
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
    let username = match api.username().await {
        Ok(username) => username,
        Err(failure) => return report.bad("coder token", &failure),
    };
    let user = sanitize(&username);
    report.good("coder token", &format!("valid; its user is {user}"));
    let Some(agent) = foreign_agent(collection, &username) else {
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

/// Collects the lines, and whether one of them was a failure.
struct Report {
    failed: bool,
}

impl Report {
    fn new() -> Self {
        Self { failed: false }
    }

    fn good(&mut self, what: &str, text: &str) {
        self.line("ok", what, text);
    }

    /// Not as it should be, and it goes on all the same.
    fn warn(&self, what: &str, text: &str) {
        self.line("warn", what, text);
    }

    fn bad(&mut self, what: &str, failure: &dyn fmt::Display) {
        self.failed = true;
        self.line("FAIL", what, &failure.to_string());
    }

    fn missed(&mut self, what: &str) {
        self.failed = true;
        self.line("FAIL", what, "not run because of an earlier failure");
    }

    fn line(&self, verdict: &str, what: &str, text: &str) {
        let _ = writeln!(io::stdout().lock(), "{verdict:<4}  {what:<22}  {text}");
    }

    fn exit_code(&self) -> ExitCode {
        match self.failed {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }
}
