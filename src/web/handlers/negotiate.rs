//! Chooses the exposition format. Pure.

use crate::metrics::exposition::Format;

/// OpenMetrics as its drafts call it. What is written is the same; a client that asks for the draft
/// may look for its name.
const OPEN_METRICS_DRAFT: &str = "application/openmetrics-text; version=0.0.1; charset=utf-8";

/// What a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// How the page is written.
    pub(crate) format: Format,
    /// What it is called.
    pub(crate) content_type: &'static str,
}

impl From<Format> for Negotiated {
    fn from(format: Format) -> Self {
        let content_type = format.content_type();
        Self {
            format,
            content_type,
        }
    }
}

/// The format for this `Accept` header: the supported format with the highest weight. Text 0.0.4 if
/// no supported format is listed, as for browsers and curl, or if there is no header. A scrape is
/// never rejected because of its header.
pub(crate) fn negotiated(accept: &str) -> Negotiated {
    let ranges = accept.split(',');
    let mut best = (0.0, Format::Text.into());
    for range in ranges {
        let Some((quality, format)) = parse(range) else {
            continue;
        };
        // Strictly more: of equals the first one stands, as Prometheus lists them.
        if quality > best.0 {
            best = (quality, format);
        }
    }
    best.1
}

fn parse(range: &str) -> Option<(f32, Negotiated)> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let mut quality = 1.0;
    let mut version = None;
    let mut message = None;
    let mut encoding = None;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.parse().unwrap_or(0.0),
            "version" => version = Some(value),
            "proto" => message = Some(value),
            "encoding" => encoding = Some(value),
            _ => {}
        }
    }
    let format = match (media_type.as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0")) => Format::OpenMetrics.into(),
        ("application/openmetrics-text", Some("0.0.1")) => Negotiated {
            format: Format::OpenMetrics,
            content_type: OPEN_METRICS_DRAFT,
        },
        ("application/vnd.google.protobuf", _)
            if message == Some("io.prometheus.client.MetricFamily")
                && encoding == Some("delimited") =>
        {
            Format::Protobuf.into()
        }
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", None) => Format::Text.into(),
        _ => return None,
    };
    (quality > 0.0 && quality <= 1.0).then_some((quality, format))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(accept: &str) -> Format {
        negotiated(accept).format
    }

    fn check(accept: &str, expected: Format) {
        assert_eq!(format(accept), expected, "{accept}");
    }

    #[test]
    fn prometheus_gets_openmetrics() {
        // 2.42, then 3.x, as they send it.
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::OpenMetrics,
        );
    }

    #[test]
    fn prometheus_that_wants_native_histograms_gets_protobuf() {
        // 2.42 with the feature flag, then 3.x, as they send it.
        check(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::Protobuf,
        );
        check(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::Protobuf,
        );
        check(
            "application/vnd.google.protobuf;proto=other.Message;encoding=delimited",
            Format::Text,
        );
        check("application/vnd.google.protobuf", Format::Text);
    }

    #[test]
    fn people_get_text() {
        check("*/*", Format::Text);
        check(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            Format::Text,
        );
        check("", Format::Text);
    }

    #[test]
    fn quality_decides() {
        check(
            "application/openmetrics-text;q=0.4, text/plain;q=0.5",
            Format::Text,
        );
        check(
            "application/openmetrics-text;q=0, text/plain;q=0.1",
            Format::Text,
        );
    }

    #[test]
    fn nonsense_gets_text() {
        for accept in [
            "",
            ",,,",
            ";;;",
            "application/openmetrics-text;version=9",
            "a/b;q=x",
            "\u{1f600}",
        ] {
            check(accept, Format::Text);
        }
        check(&"text/plain;q=NaN,".repeat(10_000), Format::Text);
    }

    proptest! {
        #[test]
        fn any_header_gets_a_format_and_what_is_refused_never_wins(
            accept in ".{0,200}",
            quality in 1..1000_u32,
        ) {
            let _ = format(&accept);
            let wanted = f64::from(quality) / 1000.0;
            let openmetrics = std::format!("application/openmetrics-text;q={wanted}");
            let list = std::format!("{openmetrics}, text/plain;q=0, a/b;q=1");
            prop_assert_eq!(format(&list), Format::OpenMetrics);
        }
    }
}

#[cfg(test)]
#[path = "negotiate_tests.rs"]
mod scrapers;
