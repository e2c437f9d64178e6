//! The exposition formats, written from the same families.
//!
//! prometheus-client writes OpenMetrics and protobuf (`client`). This crate writes what it does not
//! support (`text`): the Prometheus text format 0.0.4, and the histograms of OpenMetrics.

mod client;
mod text;

use std::fmt;
use std::sync::Arc;

use super::family::{Exposed, Family, Part};

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
        let mut out = self.write_part(page, Part::Kept)?;
        out.append(&mut self.write_part(page, Part::Live)?);
        Ok(out)
    }

    /// Writes one part of the page. Both, one after the other, are the page.
    ///
    /// # Errors
    ///
    /// When a sample cannot be encoded.
    pub fn write_part<P: Exposed>(self, page: &Arc<P>, part: Part) -> Result<Vec<u8>, fmt::Error> {
        match self {
            Self::OpenMetrics => {
                let mut out = client::open_metrics(page, part)?;
                text::append_histograms(&**page, part, &mut out)?;
                if part == Part::Live {
                    out.push_str("# EOF\n");
                }
                Ok(out.into_bytes())
            }
            Self::Protobuf => client::protobuf(page, part),
            Self::Text => Ok(text::prometheus(&**page, part)?.into_bytes()),
        }
    }
}

/// The families of one part, in the order of exposition.
fn families<P: Exposed>(part: Part) -> impl Iterator<Item = &'static Family<P>> {
    P::families().filter(move |it| it.part() == part)
}
