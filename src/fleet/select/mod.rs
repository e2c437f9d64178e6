//! Filters, sorts and pages agents.

pub mod facet;
pub mod filter;
pub mod paging;
pub mod selection;
