//! The database: how to reach it, what is read, and how that becomes a snapshot.
//!
//! Reading order: [`catalog`] (what can be read), `connection` (from a URL
//! to the transaction of a collection), `collectors` (one table, and one `.sql` and `.rs` pair for
//! each), [`lookup`] (questions about single workspaces), [`grants`] (the role that may do exactly this).

pub mod catalog;
mod connection;
pub mod database;
pub mod grants;
pub mod lookup;

mod advice;
mod collectors;
mod columns;
mod decode;
mod encode;
mod failure;
mod load;
mod sql;
mod text_limits;

use crate::fleet::stats::collection::Collector;

/// What a collector reads of the database.
pub fn reads(collector: Collector) -> &'static [catalog::ColumnSet] {
    collectors::row(collector).reads
}

/// What all of these collectors read; tables come up once for each that reads them.
pub fn reads_of(collectors: &[Collector]) -> Vec<catalog::ColumnSet> {
    let reads = collectors.iter().flat_map(|&collector| reads(collector));
    reads.copied().collect()
}
