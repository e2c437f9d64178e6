//! A judged snapshot, its counts, and the changes between collections.

pub mod collection;
pub mod deadlines;
pub mod duplicates;
pub mod fleet_stats;
pub mod health_history;
pub mod histogram;
pub mod overview;
mod successors;
pub mod transitions;
pub mod workspace_activity;
