//! Charts as SVG, rendered by the server. Colours are CSS classes, which follow the reader's colour
//! scheme. Labels are HTML next to the drawing, so that their size does not change. Each chart also
//! has a table with its numbers.

mod ages;
mod bar;
mod hours;
mod trend;

pub(super) use ages::ages;
pub(super) use bar::{bar, share, swatch};
pub(super) use hours::hours;
pub(super) use trend::trend;

/// A coordinate with one decimal, which is finer than any screen.
fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    rounded.to_string()
}
