//! `serve`: until a signal.

use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::collect::Collect;
use crate::config::args::ServeArgs;
use crate::web;

use super::{CommandError, database, logging, postgres_url, runtime};

pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    logging::start(&args.log);
    let collect = collect(args)?;
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        serve(args, collect, stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be wrong with the settings shows here, before anything is started.
fn collect(args: &ServeArgs) -> Result<Collect, CommandError> {
    let url = postgres_url(args)?;
    if !url.ignored.is_empty() {
        tracing::warn!(options = ?url.ignored, "the database URL carries options that mean nothing here");
    }
    let database = database(&url, args)?;
    Ok(Collect::new(database, args.collection()?))
}

/// Serves until `stop` is done.
pub(super) async fn serve(
    args: &ServeArgs,
    collect: Collect,
    stop: impl Future<Output = &'static str>,
) -> anyhow::Result<()> {
    let mut listeners = Vec::new();
    for address in &args.web.listen_addresses {
        listeners.push(listen(address).await?);
    }
    for listener in &listeners {
        tracing::info!(
            address = %listener.local_addr().context("asking for the address")?,
            database = collect.database().target(),
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
    }
    let stop = async {
        let signal = stop.await;
        tracing::info!(signal, "stopping");
    };
    web::serve(listeners, collect, args.web(), stop)
        .await
        .context("serving")
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let listener = web::bind(address).await;
    listener.with_context(|| {
        format!("cannot listen on {address}; choose another address with --web.listen-address")
    })
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
