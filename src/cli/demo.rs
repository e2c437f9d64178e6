//! `demo`: a made-up fleet, served like the real thing.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::collect::Collect;
use crate::config::args::ExporterArgs;
use crate::config::demo_args::DemoArgs;
use crate::config::postgres_url::PostgresUrl;
use crate::demo::{self, Demo};
use crate::dialer::AnyDialer;
use crate::probe::Probe;
use crate::web::{Lifecycle, Links};

use super::serve::{collect, listen, serve_on, stop_signal};
use super::{CommandError, logging, runtime, settings};

/// Connections of the exporter, as many as it has by default in earnest.
const MAX_CONNECTIONS: usize = 2;

pub(super) fn run(mut args: DemoArgs, effective: Arc<str>) -> Result<ExitCode, CommandError> {
    stay_at_home(&mut args.exporter);
    logging::start(&args.exporter.log);
    let lifecycle = Lifecycle {
        config: Arc::new(settings::web_config(&args.exporter.web)?),
        effective: settings::effective(&effective, &args.exporter)?,
        ..Lifecycle::default()
    };
    let links = settings::links(&args.exporter)?;
    // To the end, however long it takes: what was begun when somebody stopped it has to be
    // taken away again.
    runtime()?.0.block_on(show(&args, lifecycle, links))?;
    Ok(ExitCode::SUCCESS)
}

/// A demo is for whoever sits at this machine, unless somebody says otherwise.
fn stay_at_home(args: &mut ExporterArgs) {
    for address in &mut args.web.listen_addresses {
        if let Some(port) = address.strip_prefix(':') {
            *address = format!("localhost:{port}");
        }
    }
}

async fn show(args: &DemoArgs, lifecycle: Lifecycle, links: Links) -> Result<(), CommandError> {
    let mut stop = Box::pin(stop_signal()?);
    // The address first: a fleet nobody can look at need not be made.
    let listeners = listen(&args.exporter).await?;
    let options = demo::Options {
        workspaces: args.demo.agents,
        seed: args.demo.seed,
        database_url: args
            .demo
            .database_url
            .as_ref()
            .map(|url| url.expose_secret().to_owned()),
    };
    tracing::info!(workspaces = options.workspaces, "making up a fleet");
    let demo = tokio::select! {
        demo = demo::start(&options) => demo.context("starting the demo")?,
        signal = &mut stop => {
            tracing::info!(signal, "stopping");
            return Ok(());
        }
    };
    let (collect, probe) = match source(&demo, &args.exporter) {
        Ok(source) => source,
        Err(error) => {
            demo.end().await;
            return Err(error);
        }
    };
    let (end, ended) = oneshot::channel::<()>();
    let fleet = tokio::spawn(demo.live(async {
        // An error means that the other end is gone, which is the end too.
        let _ = ended.await;
    }));
    let web = settings::web(&args.exporter, lifecycle, links, probe);
    let served = serve_on(listeners, collect, web, stop).await;
    drop(end);
    fleet.await.context("ending the demo")?;
    Ok(served?)
}

fn source(
    demo: &Demo,
    args: &ExporterArgs,
) -> Result<(Collect, Option<Probe<AnyDialer>>), CommandError> {
    let url: PostgresUrl = demo
        .url()
        .parse()
        .map_err(|error| anyhow!("the demo's own database URL: {error}"))?;
    let collect = collect(&url, MAX_CONNECTIONS, args)?;
    let probe = settings::probe(args, MAX_CONNECTIONS, &collect)?;
    Ok((collect, probe))
}
