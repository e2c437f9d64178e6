//! Which agents a reader asks for, in what order, and one page of them at a time.

pub mod filter;
pub mod paging;
pub mod selection;
