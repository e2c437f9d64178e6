//! Reports the lifecycle of an agent process to Coder, so that no row stays in `created`
//! (`docs/spec/causes.md`).
//!
//! Coder stores the lifecycle state in the agent's **row** and creates every row with `created`,
//! but a process reports each transition once. A process that survives a build connects to a new
//! row and has no transition to report, so the row stays in `created`. The solution: when a process
//! connects to a *different* row, it reports its current state again.
//!
//! [`core`] decides which report is next, without I/O; [`driver`] sends it.
//!
//! Invariants:
//!
//! - The unreported states of the current row are in one queue, behind one lock. Only an answer to
//!   the first report removes it from the queue, and only the driver passes answers on.
//! - A connection changes the queue only if its row is a different one.
//! - After a failure nothing is sent before the next connection, for any row.
//! - Deliberately absent: clocks, retries on a failed connection, and a memory of earlier rows than
//!   the last.

pub mod core;
pub mod driver;

#[cfg(test)]
mod model_tests;
