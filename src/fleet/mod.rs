//! What is known of the fleet at one moment, and what it means. Pure: values in, values out.
//!
//! Reading order: [`time`], [`agent`] (facts), [`status`] and [`health`] (the two rules),
//! [`snapshot`] (all facts of one collection), [`duplicates`] (facts given twice), [`fleet_stats`]
//! (the counts), [`overview`] (the counts at a glance), [`transitions`] (what changed since),
//! [`health_history`] (what changed lately), [`selection`] (which agents a reader wants to see),
//! [`collection`] (what one collection found, and what failed in it).

pub mod activity;
pub mod advice;
pub mod agent;
pub mod agent_tree;
pub mod app;
pub mod collection;
pub mod duplicates;
pub mod explain;
pub mod exporter_summary;
pub mod filter;
pub mod fleet_stats;
pub mod fleet_summary;
pub mod format;
pub mod health;
pub mod health_history;
pub mod histogram;
pub mod label_value;
pub mod latest;
pub mod outcome;
pub mod overview;
pub mod paging;
pub mod probe_scheduler;
pub mod probe_scope;
pub mod probed;
pub mod probes;
pub mod reference;
pub mod sanitize;
mod schema;
pub mod selection;
pub mod snapshot;
pub mod status;
pub mod summary;
pub mod time;
pub mod timeline;
pub mod transitions;
pub mod workspace;

#[cfg(test)]
pub(crate) mod fixtures;
