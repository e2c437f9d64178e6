//! A made-up fleet in a private, throwaway Postgres, served like the real thing.

pub mod cluster;
pub mod fleet;
pub mod schema;

#[cfg(test)]
mod testing;
