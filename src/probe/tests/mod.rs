//! Probe rounds against a simulated Coder, on a paused clock.

mod coder;
mod day;
mod rounds;
mod scope;
