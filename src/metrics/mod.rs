//! Metric families as tables over what one pass found, and the loop that writes them. Pure.
//!
//! Two sorts of families, by one rule: those with [`family::Source::Collector`] say what the
//! database says and are absent when it is not known; the others say what this process does
//! and are always there. Nothing about Coder is ever set, cleared or reset: the families are
//! read off the pass each time.
//!
//! Reading order: [`page`] (what a family may draw on), [`family`] (what a family is), one file
//! for each subject, [`catalogue`] (all of them), [`exposition`] (the formats).

pub mod catalogue;
pub mod exposition;
pub mod family;
pub mod page;

mod agents;
pub mod coderd;
mod exporter;
mod fleet;
mod process;
mod workspaces;
