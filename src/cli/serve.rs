//! `serve`: runs the exporter until a signal.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::activity::ActivityReader;
use crate::collect::Collect;
use crate::config::args::{ExporterArgs, ServeArgs};
use crate::config::postgres_url::PostgresUrl;
use crate::dialer::AnyDialer;
use crate::fleet::probe::scope::ProbeScope;
use crate::postgres::database::Database;
use crate::probe::Probe;
use crate::web::Lifecycle;
use crate::{probe, session_watch, systemd, web};

use super::database_source::database_source;
use super::effective::Given;
use super::listening::{self, listen};
use super::{CommandError, PATIENCE, exposure, logging, runtime, settings};

pub(super) fn run(args: &ServeArgs, given: &Given) -> Result<ExitCode, CommandError> {
    logging::start(&args.exporter.log);
    given.warn_of_deprecated();
    start(args, given).map_err(|error| error.with_others(args))
}

fn start(args: &ServeArgs, given: &Given) -> Result<ExitCode, CommandError> {
    let url = settings::postgres_url(&args.postgres)?;
    let config = Arc::new(settings::web_config(&args.exporter.web)?);
    exposure::warn_of_files(args, &config);
    let lifecycle = Lifecycle {
        config,
        database: database_source(&args.postgres, &url),
        effective: settings::effective(&given.effective, &args.exporter)?,
        deprecated_settings: given.deprecated_settings(),
        reload_requested: Arc::default(),
    };
    let links = settings::links(&args.exporter)?;
    let database = settings::database(&url, &args.postgres)?;
    let collect = collect(&url, database, &args.exporter)?;
    let probe = settings::probe(&args.exporter, args.postgres.max_connections, &collect)?;
    let coder = settings::coder(&args.exporter)?;
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        reload_on_signal(lifecycle.reload_requested.clone())?;
        let listeners = listen(&args.exporter).await?;
        let web = settings::web(&args.exporter, lifecycle, links, probe, coder);
        serve_on(listeners, collect, web, stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// SIGHUP triggers the same reload as POST /-/reload.
fn reload_on_signal(requested: Arc<Notify>) -> anyhow::Result<()> {
    let mut hang_up = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            tracing::info!(signal = "SIGHUP", "reloading");
            requested.notify_one();
        }
    });
    Ok(())
}

/// Checks all settings before anything is started.
pub(super) fn collect(
    url: &PostgresUrl,
    database: Database,
    args: &ExporterArgs,
) -> Result<Collect, CommandError> {
    if !url.ignored.is_empty() {
        tracing::warn!(options = ?url.ignored, "the database URL has options that are ignored");
    }
    for note in &url.notes {
        tracing::warn!("{note}");
    }
    Ok(Collect::new(database, settings::collection(args)?))
}

/// Serves until `stop` completes.
pub(super) async fn serve_on(
    listeners: Vec<TcpListener>,
    collect: Collect,
    settings: web::WebSettings,
    stop: impl Future<Output = &'static str>,
) -> anyhow::Result<()> {
    let config = settings.lifecycle.config.clone();
    for listener in &listeners {
        let address = listener.local_addr().context("asking for the address")?;
        tracing::info!(
            %address,
            url = listening::url(&config, address),
            database = collect.database().target(),
            web_config = config.describe(),
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
    }
    let stop = async {
        let signal = stop.await;
        tracing::info!(signal, "stopping");
    };
    let addresses: Vec<_> = listeners
        .iter()
        .filter_map(|it| it.local_addr().ok())
        .collect();
    exposure::warn_of_openness(&config, &addresses);
    // Connections queue from here on.
    systemd::ready();
    // They end when this is dropped.
    let mut tasks = JoinSet::new();
    if let Some(coder) = settings.coder.clone() {
        tasks.spawn(async move { coder.run().await });
    }
    let mut settings = settings;
    let activity = match &settings.probe {
        Some(probe) => probe.activity().clone(),
        None => ActivityReader::new(collect.clone()),
    };
    settings.activity = Some(activity.clone());
    tasks.spawn(async move { activity.run().await });
    let watched = collect.clone();
    tasks.spawn(async move { session_watch::run(&watched).await });
    if let Some(probe) = settings.probe.clone() {
        start_probe(&mut tasks, probe, collect.database());
    }
    let served = web::serve(listeners, collect, settings, stop).await;
    served.context("serving")
}

/// Starts the probe rounds and the tasks that they need.
fn start_probe(tasks: &mut JoinSet<()>, probe: Probe<AnyDialer>, database: Database) {
    let probe::ProbeSettings {
        scope,
        interval,
        sample,
        concurrency,
        ..
    } = *probe.settings();
    tracing::info!(
        scope = scope.as_str(),
        ?interval,
        sample,
        concurrency,
        "probing"
    );
    match scope {
        ProbeScope::All if probe.counts_as_use() => {
            tasks.spawn(async move { warn_of_kept_alive(&database).await });
        }
        ProbeScope::All | ProbeScope::InUse => {}
    }
    tasks.spawn(async move { probe.run().await });
}

/// Warns that dialing every workspace through Coder keeps the workspaces running.
async fn warn_of_kept_alive(database: &Database) {
    let what = "--probe.scope=all dials through Coder, and Coder counts each dial as use: \
                autostop and dormancy of the running workspaces are postponed";
    match database
        .workspaces_kept_alive(Instant::now() + PATIENCE)
        .await
    {
        Ok(workspaces) => tracing::warn!(workspaces, "{what}"),
        Err(error) => tracing::warn!(%error, "{what}; the number of workspaces is unknown"),
    }
}

/// A future that resolves when the process is asked to stop. Signals are caught from this call on,
/// not from the first poll.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
