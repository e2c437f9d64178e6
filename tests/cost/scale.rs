//! One piece of work at a time.

use std::alloc::System;
use std::hint::black_box;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What valgrind is told to look for: the name of [`mark`], however it is mangled.
pub(crate) const MARK: &str = "*scale*mark*";

/// What a piece of work asked of the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allocated {
    /// How often, to grow what it had included.
    pub(crate) times: u64,
    /// How much, whatever was given back.
    pub(crate) bytes: u64,
}

/// Does this work, between two marks.
pub(crate) fn weigh<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    mark();
    let region = Region::new(ALLOCATOR);
    let value = black_box(work());
    let change = region.change();
    mark();
    let allocated = Allocated {
        times: (change.allocations + change.reallocations) as u64,
        bytes: change.bytes_allocated as u64,
    };
    (value, allocated)
}

/// valgrind writes down what it has counted, and begins anew, when this is called.
#[inline(never)]
fn mark() {
    black_box(());
}
