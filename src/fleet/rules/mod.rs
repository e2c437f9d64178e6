//! The rules: connection status, health, what has a cause, why a rule applies, and what to do about it. See
//! `docs/spec/connection-status.md` and `docs/spec/health.md`.

pub mod advice;
pub mod causes;
pub mod coder;
pub mod explain;
pub mod health;
pub mod provisioner;
pub mod startup;
pub mod status;
