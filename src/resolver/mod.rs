//! Finds the agent that serves a workspace, and dials it (`docs/spec/resolver.md`).
//!
//! Reading order: [`choose_agent`] (which agent), [`Directory`] and [`Dialer`] (the traits that it
//! uses), [`dial_with_lazy_validation`] (dial first, query only in doubt), [`Resolver`] (with a
//! cache), [`verdict`] and [`Resolver::wait`] (is the workspace ready?). It uses tokio's clock,
//! which tests can pause, and no other I/O.

mod cache;
mod choose;
mod connect;
mod lazy;
mod parts;
mod result;
mod settings;
mod trace;
mod verdict;
mod wait;

#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use choose::{NoChoice, choose_agent};
pub use connect::Resolver;
pub use lazy::{DialLimits, Dialed, Undialed, dial_with_lazy_validation};
pub use parts::{DialError, Dialer, Directory, Target};
pub use result::{Resolved, Route, Unresolved, outcome};
pub use settings::ResolverSettings;
pub use trace::{Phase, Step, Trace};
pub use verdict::{Readiness, Verdict, verdict};
pub use wait::{Progress, Stage, Waited};
