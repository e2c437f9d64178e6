//! The exposition formats, each written from the same families.
//!
//! OpenMetrics and protobuf are prometheus-client's work (`client`); Prometheus text 0.0.4, which
//! it does not offer, and the histograms of OpenMetrics, of which it knows one sort only, are
//! written here (`text`).

mod client;
mod text;

use std::fmt;
use std::sync::Arc;

use super::family::Exposed;

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
    /// Prometheus protobuf, delimited: the one with native histograms.
    Protobuf,
    /// Prometheus text 0.0.4: what every reader understands.
    Text,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenMetrics, Self::Protobuf, Self::Text];

    /// The exact `Content-Type` of the format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes the whole page.
    ///
    /// # Errors
    ///
    /// When the body cannot grow.
    pub fn write<P: Exposed>(self, page: &Arc<P>) -> Result<Vec<u8>, fmt::Error> {
        match self {
            Self::OpenMetrics => {
                let mut out = client::open_metrics(page)?;
                text::append_histograms(&**page, &mut out)?;
                out.push_str("# EOF\n");
                Ok(out.into_bytes())
            }
            Self::Protobuf => client::protobuf(page),
            Self::Text => Ok(text::prometheus(&**page)?.into_bytes()),
        }
    }
}
