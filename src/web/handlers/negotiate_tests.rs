//! What every usual scraper sends, and what it gets.
//!
//! The scrapers' own code decides what they send: Prometheus since 2.49, and all that embed it, make
//! the header from `scrape_protocols`, with falling weights and `*/*` last. Written down as it goes
//! over the wire, so that a reader can compare it with a capture.
//! Compared with the code of Prometheus 2.42, 2.55 and 3.5, VictoriaMetrics 1.154, Telegraf 1.30 and
//! Datadog's base check 38.7. The OpenTelemetry collector and Grafana Alloy embed Prometheus' scraper.
//!
//! We differ from Go's client library on purpose where it would answer a text format 1.0.0, which is
//! for names that Prometheus 2 cannot read: we have no such names, and what we write is 0.0.4. Where
//! a client names no version of OpenMetrics, Go answers with the draft and we with 1.0.0.

use super::*;
use crate::fuzzing::fuzz;

const OPEN_METRICS: &str = Format::OpenMetrics.content_type();
const DRAFT: &str = OPEN_METRICS_DRAFT;
const PROTOBUF: &str = Format::Protobuf.content_type();
const TEXT: &str = Format::Text.content_type();

/// Scraper, its `Accept`, and the `Content-Type` of the answer.
const SENT: [(&str, &str, &str); 53] = [
    (
        "Prometheus 2.42",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPEN_METRICS,
    ),
    (
        "Prometheus 2.42, native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 2.55, default",
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Prometheus 2.55, native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 2.55, protobuf only",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,*/*;q=0.4",
        PROTOBUF,
    ),
    (
        "Prometheus 2.55, OpenMetrics 1.0.0 only",
        "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.4",
        OPEN_METRICS,
    ),
    (
        "Prometheus 2.55, OpenMetrics 0.0.1 only",
        "application/openmetrics-text;version=0.0.1;q=0.5,*/*;q=0.4",
        DRAFT,
    ),
    (
        "Prometheus 2.55, text only",
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.4",
        TEXT,
    ),
    (
        "Prometheus 2.55, text first",
        "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,*/*;q=0.2",
        TEXT,
    ),
    (
        "Prometheus 2.55, 0.0.1 first",
        "application/openmetrics-text;version=0.0.1;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        DRAFT,
    ),
    (
        "Prometheus 2.55, all, reversed",
        "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,application/openmetrics-text;version=1.0.0;q=0.3,application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.2,*/*;q=0.1",
        TEXT,
    ),
    (
        "Prometheus 3, default",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Prometheus 3, native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 3, protobuf only",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.5",
        PROTOBUF,
    ),
    (
        "Prometheus 3, OpenMetrics 1.0.0 only",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5",
        OPEN_METRICS,
    ),
    (
        "Prometheus 3, OpenMetrics 0.0.1 only",
        "application/openmetrics-text;version=0.0.1;q=0.6,*/*;q=0.5",
        DRAFT,
    ),
    (
        "Prometheus 3, text 1.0.0 only",
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "Prometheus 3, text 0.0.4 only",
        "text/plain;version=0.0.4;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "Prometheus 3, text first",
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,*/*;q=0.2",
        TEXT,
    ),
    (
        "Prometheus 3, old text first",
        "text/plain;version=0.0.4;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3",
        TEXT,
    ),
    (
        "Prometheus 3, all, reversed",
        "text/plain;version=0.0.4;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.3,application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.2,*/*;q=0.1",
        TEXT,
    ),
    (
        "Prometheus 3, default, escaping underscores",
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Prometheus 3, native histograms, escaping underscores",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=underscores;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 3, text 1.0.0 only, escaping underscores",
        "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "Prometheus 3, default, escaping dots",
        "application/openmetrics-text;version=1.0.0;escaping=dots;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=dots;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Prometheus 3, native histograms, escaping dots",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=dots;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=dots;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 3, text 1.0.0 only, escaping dots",
        "text/plain;version=1.0.0;escaping=dots;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "Prometheus 3, default, escaping values",
        "application/openmetrics-text;version=1.0.0;escaping=values;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=values;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Prometheus 3, native histograms, escaping values",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=values;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=values;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Prometheus 3, text 1.0.0 only, escaping values",
        "text/plain;version=1.0.0;escaping=values;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "VictoriaMetrics vmagent",
        "text/plain;version=0.0.4;q=1,*/*;q=0.1",
        TEXT,
    ),
    (
        "VictoriaMetrics, as old Prometheus",
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        DRAFT,
    ),
    ("VictoriaMetrics, a plain fetch", "*/*", TEXT),
    (
        "OpenTelemetry collector 0.60",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPEN_METRICS,
    ),
    (
        "OpenTelemetry collector 0.100",
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "OpenTelemetry collector 0.100, native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "OpenTelemetry collector 0.130",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "OpenTelemetry collector 0.130, text fallback",
        "text/plain;version=0.0.4;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    (
        "OpenTelemetry collector 0.130, underscores",
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Grafana Agent 0.30",
        "application/openmetrics-text; version=1.0.0,application/openmetrics-text; version=0.0.1; q=0.75,text/plain; version=0.0.4; q=0.5,*/*; q=0.1",
        OPEN_METRICS,
    ),
    (
        "Grafana Alloy 1.0",
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Grafana Alloy 1.0, native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Grafana Alloy 1.0, enable_protobuf_negotiation",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        PROTOBUF,
    ),
    (
        "Grafana Alloy 1.9",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Grafana Alloy 1.9, legacy names",
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPEN_METRICS,
    ),
    (
        "Grafana Alloy 1.9, text only",
        "text/plain;version=0.0.4;q=0.6,*/*;q=0.5",
        TEXT,
    ),
    ("Datadog, the default", "text/plain", TEXT),
    (
        "Datadog, use_latest_spec",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1",
        OPEN_METRICS,
    ),
    (
        "Datadog, use_latest_spec of older agents",
        "application/openmetrics-text; version=0.0.1; charset=utf-8",
        DRAFT,
    ),
    (
        "Datadog, the legacy check",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        PROTOBUF,
    ),
    (
        "Datadog, the legacy check, text",
        "text/plain; version=0.0.4",
        TEXT,
    ),
    ("Datadog, no header", "", TEXT),
    (
        "Telegraf",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3",
        PROTOBUF,
    ),
];

#[test]
fn every_scraper_gets_what_it_likes_best() {
    for (scraper, accept, expected) in SENT {
        assert_eq!(negotiated(accept).content_type, expected, "{scraper}");
    }
}

#[test]
fn what_is_written_goes_by_the_name_that_was_asked_for() {
    let names = [OPEN_METRICS, DRAFT, PROTOBUF, TEXT];
    let named = SENT.map(|(_, accept, _)| negotiated(accept));
    for it in named {
        let is_open_metrics = it.format == Format::OpenMetrics;
        assert_eq!(it.content_type.contains("openmetrics"), is_open_metrics);
        assert!(names.contains(&it.content_type));
    }
}

#[test]
fn fuzzed_accept_always_gets_a_format() {
    let good = SENT.map(|(_, accept, _)| accept);
    fuzz(&good, |input| {
        let found = negotiated(&String::from_utf8_lossy(input));
        assert!([OPEN_METRICS, DRAFT, PROTOBUF, TEXT].contains(&found.content_type));
    });
}
