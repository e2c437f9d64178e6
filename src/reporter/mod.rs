//! How an agent process tells Coder its lifecycle, so that no row of it is left behind
//! (`docs/spec/causes.md`).
//!
//! Coder keeps the lifecycle with the agent's **row** and begins every row at `created`, but a
//! process reports each transition once in its life. One that outlives a build boundary meets a
//! new row with nothing new to report, and the row stays `created` for ever. The remedy: on a
//! connection to a *different* row, say again what that row has to know.
//!
//! [`core`] decides what is to be said next and touches nothing; [`driver`] says it.
//!
//! Invariants:
//!
//! - What the present row has still to be told is one queue, behind one lock. Only an answer to
//!   the report at its front takes something off it, only the driver gives such answers.
//! - A connection changes what is in the queue only when the row is another one.
//! - After a failure nothing is sent until the next connection, whatever its row.
//! - Deliberately absent: clocks, retries on a connection that has failed, and any memory of
//!   rows but the last.

pub mod core;
pub mod driver;

#[cfg(test)]
mod model_tests;
