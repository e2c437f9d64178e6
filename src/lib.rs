//! Prometheus exporter and agent-health monitor for self-hosted Coder deployments.
//!
//! Coder runs developers' workspaces; in each, a workspace agent writes heartbeats into Coder's
//! Postgres. This program reads that database, judges every agent at one moment, and serves the
//! counts at `/metrics`.
//!
//! # From the database to the wire
//!
//! ```text
//! postgres ──rows──▶ fleet ──counts──▶ metrics ──text──▶ web
//!     ▲   one transaction,   rules of docs/spec,  one table of     ▲
//!     │   one now()          applied once         families         │
//!     └──────────────────────── collect ───────────────────────────┘
//!                      single flight, deadline, cancellation
//! ```
//!
//! # The rooms, in reading order
//!
//! | module | I/O | what it is |
//! | --- | --- | --- |
//! | [`fleet`] | none | what is known at one moment, and what it means: facts, status, health, counts |
//! | [`incident`] | none | what the agents with problems have in common |
//! | [`service_level`] | none | how long agents were expected, unavailable, and starting |
//! | [`metrics`] | none | families as tables over a judged snapshot, and the formats |
//! | [`reporter`] | – | how an agent process reports its lifecycle, so that no row of it gets stuck |
//! | [`error`] | none | what went wrong: a kind to count, a sentence, and its cause |
//! | [`config`] | files | every setting: flag, variable, default, effect |
//! | [`resolver`] | time | from a workspace to the agent that serves it, over two traits |
//! | [`postgres`] | database | session, catalog look, one `.sql` and `.rs` for each collector |
//! | [`coder_api`] | network | Coder itself over HTTP, and which of its failures are ours |
//! | [`coder_watch`] | – | asks Coder how it is, beside the scrapes |
//! | [`dialer`] | network | how an agent is reached: by Coder, or directly |
//! | `offload` | threads | runs long work on a blocking thread |
//! | [`collect`] | – | requests at the same time share one collection |
//! | [`activity`] | – | reads once a minute which agents are in use |
//! | [`session_watch`] | – | asks which people an incident cut off |
//! | [`details`] | – | all that is known about one workspace or agent |
//! | [`log_dedup`] | none | which failures are worth a line in the log |
//! | [`probe`] | – | rounds that resolve some workspaces at a time |
//! | [`web`] | sockets | connections and their limits, TLS, passwords, router, content negotiation |
//! | [`cli`] | terminal | the commands |
//! | [`demo`] | processes | a made-up fleet in a throwaway Postgres |
//! | [`chance`] | none | the seeded generator of the demo and of tests |
//!
//! # Invariants
//!
//! - **One moment.** A collection is one read-only, repeatable-read transaction; its `now()` is the
//!   only time any rule sees. The process clock dates our own errors and measures the skew, and
//!   judges no agent.
//! - **One definition.** Status and health exist once, in [`fleet::rules::status`] and
//!   [`fleet::rules::health`]. Counts, pages, alerts and documents follow from them.
//! - **Absent is not zero.** A part of the snapshot that was not loaded is `None`, and its
//!   families are missing from the page.
//! - **The number of statements in a collection is constant**, whatever the number of rows.
//! - **No named statement, no `SET` without `LOCAL`**: behind a connection pooler nothing of
//!   ours is left for the next client.
//! - **`fleet`, `incident`, `service_level`, `metrics` and `log_dedup` read no clock, do no I/O and cannot fail for reasons of
//!   the world.** A test reads their `use` lines.
//! - **Nothing about Coder that may change is cached** beyond the collection, and no gauge is ever
//!   set or cleared. Builds whose job has finished are remembered (`docs/decisions/0023-what-cannot-change-is-read-once.md`).

pub mod activity;
mod certificates;
pub mod chance;
pub mod cli;
mod clock;
pub mod coder_api;
pub mod coder_watch;
pub mod collect;
pub mod config;
pub mod demo;
pub mod details;
pub mod dialer;
pub mod error;
pub mod fleet;
pub mod incident;
pub mod log_dedup;
mod log_output;
pub mod metrics;
mod offload;
pub mod postgres;
pub mod probe;
mod process;
pub mod reporter;
pub mod resolver;
pub mod service_level;
pub mod session_watch;
mod systemd;
pub mod web;

#[cfg(test)]
mod architecture;

#[cfg(test)]
mod fuzzing;
