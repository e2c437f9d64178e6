//! Metric families as tables over what one collection found, and the loop that writes them. Pure.
//!
//! Two sorts of families, by one rule: those with [`family::Source::Collector`] say what the
//! database says and are absent when it is not known; the others say what this process does
//! and are always there, those of the probe when it is on. Nothing about Coder is ever set, cleared
//! or reset: the families are read off the collection each time.
//!
//! Reading order: [`page`] (what a family may draw on), [`family`] (what a family is), one file
//! for each subject, [`catalogue`] (all of them), [`exposition`] (the formats). [`single`] is
//! another page with families of its own: that of `/probe`.

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
mod workspaces;

#[cfg(test)]
mod tests;
