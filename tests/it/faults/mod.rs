//! When things go wrong (SPEC 8): each row of its table, and the tests that hold it.
mod duplicates;
mod failover;
mod network;
mod odd_values;
mod server;
mod storm;
