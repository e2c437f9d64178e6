//! The formats as they come out of the server.

use super::lively::{ODD, lively_fleet, talkative};
use crate::harness::exposition::protobuf::Exposition;
use crate::harness::exposition::{Format, Page, Series, series};
use crate::harness::http::Response;
use crate::harness::*;

/// What Prometheus 2.42 asks for, as it sends it.
const BY_DEFAULT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// And with native histograms.
const NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Asks, and fails unless the answer is of exactly this type.
async fn ask(exporter: &Exporter, accept: &str, content_type: &str) -> Response {
    let response = exporter.metrics(&[("Accept", accept)]).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.header("content-type"), Some(content_type));
    response
}

/// What does not change from one page of a collection to the next.
fn lasting(page: &Page) -> Series {
    let mut series = series(page);
    series.retain(|(name, _), _| !name.starts_with("process_"));
    series
}

#[tokio::test]
async fn every_format_tells_a_scraper_the_same() {
    let coder = lively_fleet().await;
    let exporter = talkative(&coder).await;

    let text = "text/plain; version=0.0.4; charset=utf-8";
    let text = ask(&exporter, "text/plain;version=0.0.4", text).await;
    let text = Page::read(Format::Text, &text.body).unwrap();
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let open_metrics = ask(&exporter, BY_DEFAULT, open_metrics).await;
    let open_metrics = Page::read(Format::OpenMetrics, &open_metrics.body).unwrap();
    let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let protobuf = ask(&exporter, NATIVE, protobuf).await;
    let protobuf = Exposition::read(&protobuf.bytes).unwrap();

    assert_eq!(lasting(&text), lasting(&open_metrics));
    assert_eq!(lasting(&text), lasting(&protobuf.page));
    assert_eq!(text.value("coder_agents", &[]), 12.0);
    for (metric, label) in [
        ("coder_agent_info", "workspace_owner"),
        ("coderd_agents_apps", "agent_name"),
        ("coder_workspaces", "template_name"),
    ] {
        let named = [(label, ODD)];
        assert!(protobuf.page.get(metric, &named).is_some(), "{metric}");
    }
    // Both organizations' root agents, podman's and the sub-agents.
    assert_eq!(protobuf.natives.len(), 4);
}
