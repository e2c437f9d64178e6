//! The database: how to reach it, what is read, and how that becomes a snapshot.
//!
//! Reading order: [`catalog`] (what can be read), `session` (the transaction), one `.sql` and
//! `.rs` pair for each collector, [`database`] (the pass over them), [`grants`] (the role that
//! may do exactly this).

pub mod catalog;
pub mod database;
pub mod grants;

mod agents;
mod apps;
mod decode;
mod failure;
mod session;
mod sql;
mod tls;

use crate::fleet::pass::Collector;

/// What a collector reads of the database.
pub fn reads(collector: Collector) -> &'static [catalog::Reads] {
    match collector {
        Collector::Agents => agents::READS,
        Collector::Apps => apps::READS,
    }
}
