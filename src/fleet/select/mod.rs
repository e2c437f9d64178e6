//! Filters, sorts and pages agents.

pub mod filter;
pub mod paging;
pub mod selection;
