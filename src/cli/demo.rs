//! `demo`: runs the exporter on a simulated fleet.

mod signals;
mod stage;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::collect::Collect;
use crate::config::args::ExporterArgs;
use crate::config::demo_args::{DemoArgs, DemoScenario, FleetArgs};
use crate::config::postgres_url::PostgresUrl;
use crate::demo::fleet::{Pace, Scenario};
use crate::demo::schema::Era;
use crate::demo::{self, Demo, Tell};
use crate::dialer::AnyDialer;
use crate::postgres::database::Database;
use crate::probe::Probe;
use crate::web::{Lifecycle, Links, LiveConfig};

use super::effective::Given;
use super::listening::{self, listen};
use super::serve::{collect, serve_on};
use super::{CommandError, logging, runtime, settings};
use signals::stop_signal;
use stage::{Opening, Stage};

/// The exporter's number of connections, the same as the default of `--postgres.max-connections`.
const MAX_CONNECTIONS: usize = 2;

pub(super) fn run(mut args: DemoArgs, given: &Given) -> Result<ExitCode, CommandError> {
    stay_at_home(&mut args.exporter);
    let stage = Arc::new(Stage::new(&args));
    logging::start(&stage.log_args(&args.exporter.log));
    given.warn_of_deprecated();
    let lifecycle = Lifecycle {
        config: Arc::new(settings::web_config(&args.exporter.web)?),
        effective: settings::effective(&given.effective, &args.exporter)?,
        deprecated_settings: given.deprecated_settings(),
        ..Lifecycle::default()
    };
    let links = settings::links(&args.exporter)?;
    // To the end, however long it takes: what was begun when it was stopped has to be
    // taken away again.
    runtime()?
        .0
        .block_on(show(&args, lifecycle, links, stage))?;
    Ok(ExitCode::SUCCESS)
}

/// Listens on localhost only, unless an address is set.
fn stay_at_home(args: &mut ExporterArgs) {
    for address in &mut args.web.listen_addresses {
        if let Some(port) = address.strip_prefix(':') {
            *address = format!("localhost:{port}");
        }
    }
}

async fn show(
    args: &DemoArgs,
    lifecycle: Lifecycle,
    links: Links,
    stage: Arc<Stage>,
) -> Result<(), CommandError> {
    let stop = stop_signal(may_be_left(&args.demo))?;
    let watched = stage.clone();
    let mut stop = Box::pin(async move {
        let signal = stop.await;
        watched.stop(signal);
        signal
    });
    // The address first: a fleet that cannot be reached need not be made.
    let listeners = listen(&args.exporter).await?;
    stage.begin(&args.demo);
    let watched = stage.clone();
    let tell: Tell = Arc::new(move |news| watched.tell(news));
    let stopped = async {
        let signal = (&mut stop).await;
        tracing::info!(signal, "stopping");
    };
    let demo = demo::start(&options(&args.demo), &tell, stopped).await;
    if let Some(demo) = demo.context("starting the demo")? {
        serve(args, demo, listeners, lifecycle, links, &stage, stop).await?;
    }
    stage.end();
    Ok(())
}

async fn serve(
    args: &DemoArgs,
    demo: Demo,
    listeners: Vec<TcpListener>,
    lifecycle: Lifecycle,
    links: Links,
    stage: &Stage,
    stop: impl Future<Output = &'static str>,
) -> Result<(), CommandError> {
    let prepared = source(&demo, &args.exporter).and_then(|source| {
        let urls = urls(&listeners, &lifecycle.config)?;
        Ok((source, urls))
    });
    let ((collect, probe), urls) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            demo.end().await;
            return Err(error);
        }
    };
    stage.open(&Opening {
        urls: &urls,
        database: demo.public_url(),
        args,
    });
    let (end, ended) = oneshot::channel::<()>();
    let fleet = tokio::spawn(demo.live(async {
        // An error means that the other end is gone, which is the end too.
        let _ = ended.await;
    }));
    let web = settings::web(&args.exporter, lifecycle, links, probe, None);
    let served = serve_on(listeners, collect, web, stop).await;
    drop(end);
    fleet.await.context("ending the demo")?;
    Ok(served?)
}

fn urls(listeners: &[TcpListener], config: &LiveConfig) -> anyhow::Result<Vec<String>> {
    let url = |listener: &TcpListener| Ok(listening::url(config, listener.local_addr()?));
    let urls: std::io::Result<_> = listeners.iter().map(url).collect();
    urls.context("asking for the address")
}

fn options(args: &FleetArgs) -> demo::Options {
    let database_url = args.database_url.as_ref();
    demo::Options {
        workspaces: args.agents,
        seed: args.seed,
        scenario: match args.scenario {
            DemoScenario::All => Scenario::All,
            DemoScenario::Calm => Scenario::Calm,
            DemoScenario::Outage => Scenario::Outage,
            DemoScenario::Stuck => Scenario::Stuck,
            DemoScenario::Rebuild => Scenario::Rebuild,
            DemoScenario::Replica => Scenario::Replica,
            DemoScenario::BadVersion => Scenario::BadVersion,
            DemoScenario::CoderDown => Scenario::CoderDown,
        },
        pace: Pace::new(args.speed),
        era: Era::NEWEST,
        database_url: database_url.map(|url| url.expose_secret().to_owned()),
    }
}

/// What may remain if the process ends before the removal is complete.
fn may_be_left(args: &FleetArgs) -> String {
    if args.database_url.is_some() {
        return "a database coder_demo_… and a role of the same name may be left on the server of \
                --demo.database-url"
            .into();
    }
    let folder = std::env::temp_dir();
    format!(
        "its Postgres is being stopped and its folder removed; if that fails, a folder \
         coder-demo-… is left in {}",
        folder.display()
    )
}

fn source(
    demo: &Demo,
    args: &ExporterArgs,
) -> Result<(Collect, Option<Probe<AnyDialer>>), CommandError> {
    let url: PostgresUrl = demo
        .url()
        .parse()
        .map_err(|error| anyhow!("the demo's own database URL: {error}"))?;
    let database = Database::new(&url, MAX_CONNECTIONS)
        .map_err(|error| anyhow!("the demo's own database: {error}"))?;
    let collect = collect(&url, database, args)?;
    let probe = settings::probe(args, MAX_CONNECTIONS, &collect)?;
    Ok((collect, probe))
}
