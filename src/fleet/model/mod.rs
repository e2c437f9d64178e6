//! Facts from the database at one time: agents, apps, workspaces, and the types of their values.
//! Rules are elsewhere. See `docs/spec/population-and-kind.md`.

pub mod activity;
pub mod agent;
pub mod agent_parts;
pub mod app;
pub mod bounded;
pub mod cause;
pub mod coder;
pub mod label_value;
pub mod latest;
pub mod origin;
pub mod outcome;
pub mod provisioner;
pub mod reference;
pub mod shared_fact;
pub mod snapshot;
pub mod sorted;
pub mod startup;
pub mod time;
pub mod usage;
pub mod workspace;
