//! Pictures of numbers, drawn by the server. Colours come from classes, so that they follow the
//! reader's scheme; words stand beside the drawing, not in it, so that they keep their size.
//! Each has its numbers as a table.

mod ages;
mod bar;
mod hours;

pub(super) use ages::ages;
pub(super) use bar::{bar, share, swatch};
pub(super) use hours::hours;

/// A coordinate: tenths are finer than any screen.
fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    rounded.to_string()
}
