//! A real Prometheus scrapes the exporter in each format, and has every series right.

use std::collections::BTreeMap;

use super::lively::{lively_fleet, talkative};
use crate::harness::exposition::Page;
use crate::harness::prometheus::{Prometheus, number};
use crate::harness::relay::{Accept, Relay};

const AGES: &str = "coder_agent_heartbeat_age_seconds";

/// By name and labels, as Prometheus sees them: an empty label is none.
type Known = BTreeMap<BTreeMap<String, String>, f64>;

/// What the page says, but for what changes from scrape to scrape.
fn said(page: &Page) -> Known {
    let samples = page.families.iter().flat_map(|family| &family.samples);
    let lasting = samples.filter(|it| !it.name.starts_with("process_"));
    lasting
        .map(|sample| {
            let mut labels = sample.labels.clone();
            labels.retain(|_, value| !value.is_empty());
            labels.insert("__name__".to_owned(), sample.name.clone());
            (labels, sample.value)
        })
        .collect()
}

/// What Prometheus understood: its numbers, and its native histograms as count and sum.
async fn understood(prometheus: &Prometheus) -> Known {
    let mut known = Known::new();
    let of_ours = r#"{job="coder",__name__!~"up|scrape_.*|process_.*"}"#;
    for series in prometheus.query(of_ours).await {
        let labels = series["metric"].as_object().unwrap().iter();
        let mut labels: BTreeMap<_, _> = labels
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        labels.remove("job");
        labels.remove("instance");
        if let Some(histogram) = series.get("histogram") {
            for total in ["count", "sum"] {
                let mut labels = labels.clone();
                labels.insert(
                    "__name__".to_owned(),
                    format!("{}_{total}", labels["__name__"]),
                );
                known.insert(labels, number(&histogram[1][total]));
            }
        } else {
            known.insert(labels, number(&series["value"][1]));
        }
    }
    known
}

/// What every Prometheus should make of a page: all of it.
async fn assert_understood(prometheus: &Prometheus, page: &Page) {
    assert_eq!(prometheus.number("up").await, 1.0, "{}", prometheus.log());
    let health = prometheus.number("sum(coder_agents_health)").await;
    assert_eq!(health, page.value("coder_agents_health", &[]));
    assert_eq!(
        understood(prometheus).await,
        said(page),
        "{}",
        prometheus.log()
    );
    for complaint in ["level=warn", "level=error"] {
        assert!(
            !prometheus.log().contains(complaint),
            "{}",
            prometheus.log()
        );
    }
}

fn samples(page: &Page) -> f64 {
    page.families
        .iter()
        .map(|it| it.samples.len())
        .sum::<usize>() as f64
}

#[tokio::test]
async fn prometheus_reads_openmetrics_by_default() {
    let coder = lively_fleet().await;
    let exporter = talkative(&coder).await;
    let relay = Relay::to(exporter.address, Accept::Kept).await;
    let prometheus = Prometheus::scraping(relay.address, &[]).await;
    let page = exporter.scrape_openmetrics().await;
    assert_understood(&prometheus, &page).await;
    assert_eq!(
        prometheus.number("scrape_samples_scraped").await,
        samples(&page)
    );
    assert_eq!(prometheus.metric_type(AGES).await, "gaugehistogram");
    let median = format!("histogram_quantile(0.5, sum by (le) ({AGES}_bucket))");
    let median = prometheus.number(&median).await;
    assert!((3.0..30.0).contains(&median), "{median}");
    assert_eq!(relay.content_types()[0], "application/openmetrics-text");
}

#[tokio::test]
async fn prometheus_reads_text_where_nothing_else_is_agreed() {
    let coder = lively_fleet().await;
    let exporter = talkative(&coder).await;
    let relay = Relay::to(exporter.address, Accept::Dropped).await;
    let prometheus = Prometheus::scraping(relay.address, &[]).await;
    let page = exporter.scrape().await;
    assert_understood(&prometheus, &page).await;
    assert_eq!(
        prometheus.number("scrape_samples_scraped").await,
        samples(&page)
    );
    assert_eq!(prometheus.metric_type(AGES).await, "histogram");
    assert_eq!(relay.content_types()[0], "text/plain");
}

#[tokio::test]
async fn prometheus_reads_native_histograms_from_protobuf() {
    let coder = lively_fleet().await;
    let exporter = talkative(&coder).await;
    let relay = Relay::to(exporter.address, Accept::Kept).await;
    let flags = ["--enable-feature=native-histograms"];
    let prometheus = Prometheus::scraping(relay.address, &flags).await;
    let mut page = exporter.scrape().await;
    // The native buckets stand for the classic ones, and each histogram is one sample.
    for family in &mut page.families {
        family
            .samples
            .retain(|it| it.name != format!("{AGES}_bucket"));
    }
    assert_understood(&prometheus, &page).await;
    let histograms = page.samples(&format!("{AGES}_count"), &[]).count() as f64;
    let scraped = prometheus.number("scrape_samples_scraped").await;
    assert_eq!(scraped, samples(&page) - histograms);
    assert_eq!(prometheus.metric_type(AGES).await, "gaugehistogram");
    let count = prometheus
        .number(&format!("histogram_count(sum({AGES}))"))
        .await;
    assert_eq!(count, page.value(&format!("{AGES}_count"), &[]));
    let median = prometheus
        .number(&format!("histogram_quantile(0.5, sum({AGES}))"))
        .await;
    assert!((3.0..30.0).contains(&median), "{median}");
    assert_eq!(relay.content_types()[0], "application/vnd.google.protobuf");
}
