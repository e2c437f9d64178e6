//! The state of the fleet that workspaces and agents need in a tick.

use super::pace::Pace;
use super::rng::Rng;
use super::rows::{Changes, Time};
use super::seed_data::SeedData;

/// One tick: its time, its changes, and the random numbers.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) pace: Pace,
    pub(super) seed_data: &'a SeedData,
    pub(super) rng: &'a mut Rng,
    pub(super) changes: &'a mut Changes,
}
