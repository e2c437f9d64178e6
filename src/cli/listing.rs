//! A list in the format that is asked for.

use anyhow::Context;
use serde::Serialize;

use crate::config::output_args::{ListFormat, ListOutputArgs};
use crate::fleet::report::sanitize::sanitize_json;

use super::CommandError;
use super::table::{Layout, Table};
use super::width::Width;
use super::yaml::yaml;

/// A list: as a table, and as fields, which are worked out when they are asked for.
pub(super) struct Listing<F> {
    pub(super) table: Table,
    pub(super) fields: F,
}

/// The list in this format; `text` writes it for people.
///
/// # Errors
///
/// When there is no column to sort by, or fields cannot be written.
pub(super) fn in_format<S: Serialize>(
    args: &ListOutputArgs,
    listing: Listing<impl FnOnce() -> S>,
    text: impl FnOnce(&Table, Layout) -> String,
) -> Result<String, CommandError> {
    let Listing { mut table, fields } = listing;
    table.sort(args.sort.as_deref())?;
    let headers = !args.no_headers;
    let layout = |wide| Layout {
        width: Width::of(&std::io::stdout()),
        wide,
        headers,
    };
    Ok(match args.format() {
        None => text(&table, layout(false)),
        Some(ListFormat::Table) => table.text(layout(false)),
        Some(ListFormat::Wide) => table.text(layout(true)),
        Some(ListFormat::Csv) => table.csv(headers),
        Some(ListFormat::Name) => table.names(),
        Some(ListFormat::Json) => {
            let text = serde_json::to_string_pretty(&fields()).context("writing JSON")?;
            sanitize_json(&text) + "\n"
        }
        Some(ListFormat::Yaml) => {
            let value = serde_json::to_value(fields()).context("writing YAML")?;
            sanitize_json(&yaml(&value))
        }
    })
}
