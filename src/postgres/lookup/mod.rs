//! Questions beside the collection: single workspaces and agents, session reports, queued starts,
//! and what the probe keeps alive.

pub mod activity;
mod cut_off;
pub mod details;
pub mod directory;
pub mod kept_alive;
pub mod parts;
pub mod queued_start;
