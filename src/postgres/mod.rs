//! Connects to the database, and reads its rows into a snapshot.
//!
//! Reading order: [`catalog`] (which columns can be read), `connection` (from a URL to the
//! transaction of a collection), `builds` (the latest builds, and what is known of them from one
//! collection to the next), `collectors` (a table, and a `.sql` and `.rs` pair for each),
//! [`lookup`] (queries about single workspaces), [`grants`] (the role with exactly these
//! privileges).

pub mod catalog;
mod connection;
pub mod database;
pub mod grants;
pub mod lookup;

mod advice;
mod builds;
mod collectors;
mod columns;
mod decode;
mod encode;
mod failure;
mod load;
pub mod plans;
mod sql;
mod text_limits;

use crate::fleet::stats::collection::Collector;

/// Columns that a collector reads.
pub fn reads(collector: Collector) -> &'static [catalog::ColumnSet] {
    collectors::row(collector).reads
}

/// Columns that these collectors read. A table occurs once for each collector that reads it.
pub fn reads_of(collectors: &[Collector]) -> Vec<catalog::ColumnSet> {
    let reads = collectors.iter().flat_map(|&collector| reads(collector));
    reads.copied().collect()
}
