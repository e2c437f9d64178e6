//! Rounds against a simulated Coder, on tokio's paused clock.

mod coder;
mod day;
mod rounds;
mod scope;
