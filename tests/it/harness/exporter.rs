//! The exporter inside the test: the real web server on a free port, the real collection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use coder_agent_exporter::collect::{self, Collect};
use coder_agent_exporter::config::postgres_url::PostgresUrl;
use coder_agent_exporter::config::probe_args::Dialing;
use coder_agent_exporter::dialer::AnyDialer;
use coder_agent_exporter::fleet::probe::scope::ProbeScope;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::incident::model::IncidentSettings;
use coder_agent_exporter::metrics::page::Detail;
use coder_agent_exporter::postgres::database::Database;
use coder_agent_exporter::probe::{self, Probe};
use coder_agent_exporter::{resolver, web};

use super::exposition::{Format, Page};
use super::http::{self, Response};

/// What a scraper says who wants OpenMetrics.
const OPENMETRICS: (&str, &str) = ("Accept", "application/openmetrics-text; version=1.0.0");

/// Tests run while others build. A deadline that does not hold is later than this.
pub(crate) const LATE_ON_A_BUSY_MACHINE: Duration = Duration::from_secs(2);

/// What an exporter runs with; the defaults are those of the command line.
pub(crate) struct Settings {
    pub(crate) collect: collect::CollectSettings,
    pub(crate) web: web::WebSettings,
    /// What agents are dialed with; the probe is on when there is something.
    pub(crate) dialing: Option<Dialing>,
    pub(crate) probe: probe::ProbeSettings,
    pub(crate) max_connections: usize,
}

/// A running exporter; dropping it stops it.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    /// Makes rounds when a test says so.
    pub(crate) probe: Option<Probe<AnyDialer>>,
    server: JoinHandle<()>,
}

impl Exporter {
    /// Starts one that reads the database at `url`.
    pub(crate) async fn start(url: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = defaults();
        change(&mut settings);
        let url: PostgresUrl = url.parse().unwrap();
        let database = Database::new(&url, settings.max_connections).unwrap();
        let collect = Collect::new(database, settings.collect);
        let dialer = settings.dialing.map(|it| AnyDialer::new(it).unwrap());
        let probe = dialer.map(|it| Probe::new(collect.clone(), it, settings.probe));
        settings.web.probe = probe.clone();
        let listener = web::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = web::serve(
            vec![listener],
            collect,
            settings.web,
            std::future::pending(),
        );
        let server = tokio::spawn(async move { server.await.unwrap() });
        Self {
            address,
            probe,
            server,
        }
    }

    /// Asks for any path.
    pub(crate) async fn get(&self, path: &str) -> Response {
        http::get(self.address, path, &[]).await.unwrap()
    }

    /// Asks for the metrics with these headers.
    pub(crate) async fn metrics(&self, headers: &[(&str, &str)]) -> Response {
        http::get(self.address, "/metrics", headers).await.unwrap()
    }

    /// Scrapes the text format. Whatever is the matter with the database, the answer is 200
    /// and parses.
    pub(crate) async fn scrape(&self) -> Page {
        self.scrape_within(None).await
    }

    /// As [`scrape`](Self::scrape), by a scraper that waits this many seconds and gets its
    /// answer by then.
    pub(crate) async fn scrape_within(&self, seconds: impl Into<Option<f64>>) -> Page {
        let seconds = seconds.into();
        let header = seconds.map(|it| it.to_string());
        let header = header.as_deref();
        let headers: Vec<_> = header
            .map(|it| ("X-Prometheus-Scrape-Timeout-Seconds", it))
            .into_iter()
            .collect();
        let started = Instant::now();
        let response = self.metrics(&headers).await;
        let allowed = Duration::from_secs_f64(seconds.unwrap_or(10.0)) + LATE_ON_A_BUSY_MACHINE;
        assert!(started.elapsed() < allowed, "{:?}", started.elapsed());
        assert_eq!(response.status, 200, "{}", response.body);
        Page::read(Format::Text, &response.body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Scrapes OpenMetrics.
    pub(crate) async fn scrape_openmetrics(&self) -> Page {
        let response = self.metrics(&[OPENMETRICS]).await;
        assert_eq!(response.status, 200, "{}", response.body);
        Page::read(Format::OpenMetrics, &response.body).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn defaults() -> Settings {
    Settings {
        collect: collect::CollectSettings {
            collectors: Collector::DEFAULT.to_vec(),
            limits: Limits::default(),
            named_apps: false,
            metadata_keys: Vec::new(),
            incidents: IncidentSettings::default(),
            min_interval: Duration::ZERO,
        },
        web: web::WebSettings {
            telemetry_path: "/metrics".into(),
            max_requests: 40,
            timeout_offset: Duration::from_millis(500),
            collect_timeout: Duration::from_secs(10),
            detail: Detail::default(),
            ui: true,
            links: web::Links::default(),
            probe: None,
            activity: None,
            coder: None,
            limits: web::ServerLimits::default(),
            lifecycle: web::Lifecycle::default(),
        },
        dialing: None,
        probe: probe::ProbeSettings {
            // Most tests are about dialing; those of the scope set it.
            scope: ProbeScope::All,
            interval: Duration::from_secs(60),
            sample: None,
            concurrency: 4,
            horizon: Duration::from_secs(15 * 60),
            collect_timeout: Duration::from_secs(10),
            limits: Limits::default(),
            resolver: resolver::ResolverSettings::default(),
        },
        max_connections: 2,
    }
}
