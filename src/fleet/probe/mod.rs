//! The pure part of the probe: which workspace is probed next, whether its agent may be dialed, and
//! the results. See `docs/spec/probe.md`.

pub mod pace;
pub mod probed;
pub mod results;
pub mod scheduler;
pub mod scope;
