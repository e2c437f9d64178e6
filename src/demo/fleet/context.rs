//! What workspaces and agents need from the fleet around them.

use super::pace::Pace;
use super::rng::Rng;
use super::rows::{Changes, Time};
use super::seed_data::SeedData;

/// One tick, as those it happens to see it.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) pace: Pace,
    pub(super) seed_data: &'a SeedData,
    pub(super) rng: &'a mut Rng,
    pub(super) changes: &'a mut Changes,
}
