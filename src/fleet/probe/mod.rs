//! The pure part of the probe: which workspace is next, whether it may be dialed, what came of it.
//! See `docs/spec/probe.md`.

pub mod probed;
pub mod results;
pub mod scheduler;
pub mod scope;
