//! The state of the fleet that workspaces and agents need in a tick.

use super::changes::Changes;
use super::deployment::Deployment;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::Time;
use super::seed_data::SeedData;
use crate::demo::schema::Era;

/// One tick: its time, its changes, and the random numbers.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) pace: Pace,
    pub(super) era: Era,
    pub(super) seed_data: &'a SeedData,
    pub(super) deployment: &'a Deployment,
    pub(super) rng: &'a mut Rng,
    pub(super) changes: &'a mut Changes,
}
