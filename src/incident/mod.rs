//! Incidents: what the agents with problems have in common. See `docs/spec/incidents.md`.
//!
//! Pure: one population in, incidents out. There is no memory, so two exporters agree, a restart
//! forgets nothing, and an incident lasts as long as its agents have their problem.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`population`] | what is known of each agent |
//! | [`code_list`] | which value each agent has, in little memory |
//! | [`criterion`] | how long a description is |
//! | [`index`] | the members of every value |
//! | [`candidates`] | the values that are worth a try |
//! | [`search`] | the shortest description |
//! | [`model`] | an incident |
//! | [`analysis`] | waves, and what becomes an incident |
//! | [`commands`] | commands that show more of an incident |
//! | [`advice`] | what to do about an incident, and what not |
//! | [`identity`] | the id of an incident |
//! | [`history`] | incidents that ended lately |
//! | [`membership`] | which incident an agent belongs to |
//! | [`sessions`] | people who were cut off at work |
//! | [`report`] | an incident in JSON |
//! | [`facts`] | from a judged snapshot to the population, and back to its agents |

pub mod advice;
pub mod analysis;
pub mod candidates;
pub mod code_list;
pub mod commands;
pub mod criterion;
pub mod facts;
pub mod history;
pub mod identity;
pub mod index;
pub mod membership;
pub mod model;
pub mod population;
pub mod report;
pub mod search;
pub mod sessions;
