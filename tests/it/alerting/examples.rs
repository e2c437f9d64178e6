//! The scrape examples: whoever copies one gets alerts.

use std::fs;

use crate::harness::alertmanager::{Alertmanager, Pager};
use crate::harness::prometheus::Prometheus;
use crate::harness::*;

use super::deployment::{routes, shipped};

/// Those that load the rules, as far as they need no Kubernetes and no Thanos.
const WITH_RULES: [&str; 3] = ["static", "two-exporters", "many-deployments"];

fn example(name: &str) -> String {
    let path = format!(
        "{}/deploy/prometheus/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text with every `host.example:port` in its place.
fn with_address(text: &str, port: &str, address: &str) -> String {
    let target = format!(".example:{port}");
    let mut parts = text.split(&target);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let host = out.rfind('"').unwrap() + 1;
        out.truncate(host);
        out.push_str(address);
        out.push_str(part);
    }
    out
}

#[tokio::test]
async fn every_example_that_loads_the_rules_reaches_alertmanager() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    let pager = Pager::start().await;
    let folder = Folder::new();
    let rules = folder.write("rules.yaml", &shipped("coder-agent-exporter.rules.yaml"));
    // Else what fires before Alertmanager is discovered is sent a minute later.
    let flags = ["--rules.alert.resend-delay=1s"];
    for name in WITH_RULES {
        let alertmanager = Alertmanager::start(&routes(&pager)).await;
        let config = example(name).replace("interval: 30s", "interval: 1s");
        let config = config.replace("rules/coder-agent-exporter.rules.yaml", &rules);
        let config = with_address(&config, "21120", &exporter.address.to_string());
        let config = with_address(&config, "9093", &alertmanager.address.to_string());
        let _prometheus = Prometheus::configured(&config, &flags).await;
        eventually(name, async || {
            let alerts = http::get(alertmanager.address, "/api/v2/alerts", &[]).await;
            alerts.unwrap().body.contains("CoderWatchdog")
        })
        .await;
    }
}
