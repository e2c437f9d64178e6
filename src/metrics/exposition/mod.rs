//! The exposition formats, written from the same families.
//!
//! prometheus-client writes OpenMetrics and protobuf (`client`). This crate writes what it does not
//! support (`text`): the Prometheus text format 0.0.4, and the histograms of OpenMetrics.

mod client;
mod text;

use std::fmt;
use std::sync::Arc;

use super::family::Exposed;

/// An exposition format that a scraper can request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics text 1.0.0, which ends with `# EOF`.
    OpenMetrics,
    /// Prometheus protobuf, length-delimited. The only format with native histograms.
    Protobuf,
    /// Prometheus text format 0.0.4, which every scraper supports.
    Text,
}

impl Format {
    /// All formats that are offered to a scraper.
    pub const ALL: [Self; 3] = [Self::OpenMetrics, Self::Protobuf, Self::Text];

    /// The `Content-Type` header of the format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// When a sample cannot be encoded.
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
