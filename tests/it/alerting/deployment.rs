//! A deployment that is watched as the README says: two exporters, Prometheus, Alertmanager.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::harness::alertmanager::{Alertmanager, Pager};
use crate::harness::fleet::Workspace;
use crate::harness::prometheus::Prometheus;
use crate::harness::*;

use super::time::hurried;
use super::{HURRY, minutes};

/// Everything that runs.
pub(super) struct Deployment {
    pub(super) coder: Coder,
    pub(super) pager: Pager,
    prometheus: Prometheus,
    exporters: Vec<Exporter>,
    _folder: Folder,
    _alertmanager: Alertmanager,
    heart: JoinHandle<()>,
}

impl Deployment {
    /// Coder with these workspaces, whose agents' hearts beat, and whoever watches them.
    pub(super) async fn of(workspaces: &[Workspace]) -> Self {
        let coder = Coder::new().await;
        for workspace in workspaces {
            coder.add(workspace.clone()).await;
        }
        let heart = tokio::spawn(beat(coder.connect().await));
        let exporters = vec![exporter(&coder).await, exporter(&coder).await];
        let pager = Pager::start().await;
        let alertmanager = Alertmanager::start(&routes(&pager)).await;
        let folder = Folder::new();
        let prometheus = Prometheus::configured(
            &scrapes(&folder, &exporters, &alertmanager),
            // Else a resolved alert may wait for a minute of ours.
            &["--rules.alert.resend-delay=1s"],
        )
        .await;
        Self {
            coder,
            pager,
            prometheus,
            exporters,
            _folder: folder,
            _alertmanager: alertmanager,
            heart,
        }
    }

    /// Waits until this alert fires, whoever is told of it, and for as long as a message about it
    /// would take.
    pub(super) async fn fires(&self, alert: &str) {
        let firing = format!("ALERTS{{{alert}, alertstate=\"firing\"}}");
        let deadline = Instant::now() + minutes(15);
        while self.prometheus.query(&firing).await.is_empty() {
            assert!(Instant::now() < deadline, "{alert} does not fire");
            sleep(Duration::from_millis(100)).await;
        }
        // The routes' group_interval, and one more minute.
        sleep(minutes(6)).await;
    }

    /// Nobody watches any more.
    pub(super) fn stop_exporters(&mut self) {
        self.exporters.clear();
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// One as operators run it, but for the limit after which an agent is stuck.
async fn exporter(coder: &Coder) -> Exporter {
    let hurry = u32::try_from(HURRY).unwrap();
    coder
        .exporter_with(|settings| settings.collect.limits.stuck_created_after /= hurry)
        .await
}

/// The heartbeat of every agent whose connection is not closed.
async fn beat(client: Client) {
    let beat = "UPDATE workspace_agents SET last_connected_at = now()
                WHERE first_connected_at IS NOT NULL AND disconnected_at IS NULL";
    while client.batch_execute(beat).await.is_ok() {
        sleep(Duration::from_millis(500)).await;
    }
}

fn scrapes(folder: &Folder, exporters: &[Exporter], alertmanager: &Alertmanager) -> String {
    let targets: Vec<_> = exporters.iter().map(|it| it.address.to_string()).collect();
    let rules = hurried(&shipped("coder-agent-exporter.rules.yaml"), HURRY);
    let rules = folder.write("rules.yaml", &rules);
    let rules_file =
        std::env::temp_dir().join(format!("rules-{}.yaml", alertmanager.address.port()));
    fs::write(&rules_file, hurried(&rules, HURRY)).unwrap();
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ['{rules}']
alerting:
  alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]
scrape_configs:
- job_name: coder-agent-exporter
  static_configs: [{{targets: {targets:?}, labels: {{deployment: coder.example}}}}]
",
        alertmanager.address,
    )
}

/// The shipped routes, each receiver's address that of the pager.
pub(super) fn routes(pager: &Pager) -> String {
    let shipped = shipped("alertmanager.example.yaml");
    let mut receiver = String::new();
    let mut routes = String::new();
    for line in hurried(&shipped, HURRY).lines() {
        if let Some(name) = line.trim_start().strip_prefix("- name: ") {
            name.clone_into(&mut receiver);
        }
        let url = line.split_once("url: \"").and_then(|(before, after)| {
            let (_, after) = after.split_once('"')?;
            Some(format!(
                "{before}url: \"http://{}/{receiver}\"{after}",
                pager.address
            ))
        });
        routes.push_str(&url.unwrap_or_else(|| line.to_owned()));
        routes.push('\n');
    }
    routes
}

pub(super) fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("alerts")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
