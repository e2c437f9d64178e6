//! The database: how to reach it, what is read, and how that becomes a snapshot.
//!
//! Reading order: [`catalog`] (what can be read), `session` (the transaction), one `.sql` and
//! `.rs` pair for each collector, [`database`] (the pass over them), [`directory`] (questions about
//! single workspaces), [`inquiry`] (all about one of them), [`grants`] (the role that may do exactly this).

pub mod activity;
pub mod catalog;
pub mod database;
pub mod directory;
pub mod grants;
pub mod inquiry;
pub mod kept_alive;

mod advice;
mod agents;
mod apps;
mod bindings;
mod cancel;
mod causes;
mod decode;
mod encode;
mod failure;
mod identity;
mod load;
mod moment;
mod session;
mod sql;
mod tls;
mod workspaces;

use crate::fleet::pass::Collector;

/// What a collector reads of the database.
pub fn reads(collector: Collector) -> &'static [catalog::Reads] {
    match collector {
        Collector::Agents => agents::READS,
        Collector::Apps => apps::READS,
        Collector::Causes => causes::READS,
        Collector::Workspaces => workspaces::READS,
        Collector::Bindings => bindings::READS,
    }
}

/// What all of these collectors read; tables come up once for each that reads them.
pub fn reads_of(collectors: &[Collector]) -> Vec<catalog::Reads> {
    let reads = collectors.iter().flat_map(|&collector| reads(collector));
    reads.copied().collect()
}
