//! `serve`: until a signal.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::collect::Collect;
use crate::config::args::{ExporterArgs, ServeArgs};
use crate::config::postgres_url::PostgresUrl;
use crate::web;

use super::{CommandError, logging, runtime, settings};

pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    logging::start(&args.exporter.log);
    let collect = collect(
        &settings::postgres_url(&args.postgres)?,
        args.postgres.max_connections,
        &args.exporter,
    )?;
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        let listeners = listen(&args.exporter).await?;
        serve_on(listeners, &args.exporter, collect, stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be wrong with the settings shows here, before anything is started.
pub(super) fn collect(
    url: &PostgresUrl,
    max_connections: usize,
    args: &ExporterArgs,
) -> Result<Collect, CommandError> {
    if !url.ignored.is_empty() {
        tracing::warn!(options = ?url.ignored, "the database URL carries options that mean nothing here");
    }
    for note in &url.notes {
        tracing::warn!("{note}");
    }
    let database = settings::database(url, max_connections)?;
    Ok(Collect::new(database, settings::collection(args)?))
}

/// Listens on every address asked for.
pub(super) async fn listen(args: &ExporterArgs) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in &args.web.listen_addresses {
        let listener = web::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; choose another with --web.listen-address")
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Serves until `stop` is done.
pub(super) async fn serve_on(
    listeners: Vec<TcpListener>,
    args: &ExporterArgs,
    collect: Collect,
    stop: impl Future<Output = &'static str>,
) -> anyhow::Result<()> {
    for listener in &listeners {
        let address = listener.local_addr().context("asking for the address")?;
        tracing::info!(
            %address,
            url = %format_args!("http://{}", reachable(address)),
            database = collect.database().target(),
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
    }
    let stop = async {
        let signal = stop.await;
        tracing::info!(signal, "stopping");
    };
    web::serve(listeners, collect, settings::web(args), stop)
        .await
        .context("serving")
}

/// An address to put into a browser: every interface is reached at localhost.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Done when the process is asked to stop; from the moment of the call, not of the first poll.
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
