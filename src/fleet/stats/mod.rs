//! A judged snapshot and its counts, and how they change from one collection to the next.

pub mod collection;
pub mod duplicates;
pub mod fleet_stats;
pub mod health_history;
pub mod histogram;
pub mod overview;
pub mod transitions;
pub mod workspace_activity;
