//! The database: how to reach it, what is read, and how that becomes a snapshot.
//!
//! Reading order: [`catalog`] (what can be read), `session` (the transaction), `collectors`
//! (one table, and one `.sql` and `.rs` pair for each), [`database`] (the collection over them),
//! [`directory`] (questions about single workspaces), [`details`] (all about one of them),
//! [`grants`] (the role that may do exactly this).

pub mod activity;
pub mod catalog;
pub mod database;
pub mod details;
pub mod directory;
pub mod grants;
pub mod kept_alive;

mod advice;
mod cancel;
mod collectors;
mod columns;
mod decode;
mod encode;
mod failure;
mod identity;
mod load;
mod moment;
mod session;
mod sql;
mod tls;

use crate::fleet::collection::Collector;

/// What a collector reads of the database.
pub fn reads(collector: Collector) -> &'static [catalog::ColumnSet] {
    collectors::row(collector).reads
}

/// What all of these collectors read; tables come up once for each that reads them.
pub fn reads_of(collectors: &[Collector]) -> Vec<catalog::ColumnSet> {
    let reads = collectors.iter().flat_map(|&collector| reads(collector));
    reads.copied().collect()
}
