//! Metric families as tables over the result of a collection, and the loop that writes them. Pure.
//!
//! Families with [`family::Source::Collector`] show data of the database and are absent if it is
//! unknown. The others show data of this process and are always present, those of the probe if it
//! is on. No value about Coder is stored: the families are computed from the collection in each
//! scrape.
//!
//! Reading order: [`page`] (the data of a family), [`family`] (the definition of a family), one
//! file for each subject, [`catalogue`] (all families), [`exposition`] (the formats). [`single`]
//! has the page and the families of `/probe`.

pub mod catalogue;
pub mod exposition;
pub mod family;
pub mod page;
pub mod single;

mod activity;
mod agents;
mod budget;
mod coder;
pub mod coderd;
mod exporter;
mod fleet;
mod incidents;
mod probe;
mod process;
mod provisioners;
mod replicas;
mod service_level;
mod workspaces;

#[cfg(test)]
mod tests;
