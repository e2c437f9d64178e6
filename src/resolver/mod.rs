//! Given a workspace, find the agent that would serve it and reach it (`docs/spec/resolver.md`).
//!
//! Reading order: [`choose_agent`] (which one), [`Directory`] and [`Dialer`] (what it stands
//! on), [`dial_with_lazy_validation`] (dial first, ask only when in doubt), [`Resolver`] (with
//! what is remembered), [`verdict`] and [`Resolver::wait`] (can it be used?). The clock is tokio's,
//! so that a test can stop it; nothing else here reaches into the world.

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
