//! The state of the fleet at one time, and its assessment. Pure: values in, values out.
//!
//! | room | what it holds | may use |
//! | --- | --- | --- |
//! | [`model`] | the facts of one collection | – |
//! | [`rules`] | connection status, health, advice | `model` |
//! | [`stats`] | the judged snapshot, its counts and their changes | `model`, `rules` |
//! | [`probe`] | which workspaces to probe, and the results | `model`, `rules`, `stats` |
//! | [`select`] | filters, order, pages of agents | `model`, `rules`, `stats` |
//! | [`report`] | text and JSON for commands, pages and the API | all of them |

pub mod model;
pub mod probe;
pub mod report;
pub mod rules;
pub mod select;
pub mod stats;

#[cfg(test)]
pub(crate) mod fixtures;
