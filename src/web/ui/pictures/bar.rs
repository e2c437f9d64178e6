//! Bars that show parts of a whole.

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::web::ui::parts::{number, spoken};

use super::coordinate;

const WIDTH: f64 = 1000.0;

/// Minimum width of a part that is not zero, so that it is visible.
const LEAST: f64 = 6.0;

/// Renders agents by health as one bar, for display and mouse only: the legend below has the same
/// data and links for the keyboard.
pub(in crate::web::ui) fn bar(parts: &[(Health, u64)], link: impl Fn(Health) -> String) -> Markup {
    html! {
        svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (health, x, width, count) in placed(parts) {
                a href=(link(health)) tabindex="-1" data-swap {
                    rect class={ "fill-" (health.as_str()) } x=(coordinate(x)) width=(coordinate(width)) y="0" height="10" {
                        title { (number(count)) " " (spoken(health)) }
                    }
                }
            }
        }
    }
}

/// Each part with its left edge and width. The widths add up to the whole bar.
fn placed(parts: &[(Health, u64)]) -> Vec<(Health, f64, f64, u64)> {
    let all: u64 = parts.iter().map(|(_, count)| count).sum();
    let wanted = |count: u64| (count as f64 / all.max(1) as f64 * WIDTH).max(LEAST);
    let total: f64 = parts.iter().map(|(_, count)| wanted(*count)).sum();
    let mut left = 0.0;
    let parts = parts.iter().map(|&(health, count)| {
        let width = wanted(count) / total * WIDTH;
        let x = left;
        left += width;
        (health, x, width, count)
    });
    parts.collect()
}

/// The colour of a class, to be shown next to its name.
pub(in crate::web::ui) fn swatch(health: Health) -> Markup {
    html! {
        svg class="swatch" viewBox="0 0 10 10" aria-hidden="true" focusable="false" {
            rect class={ "fill-" (health.as_str()) } width="10" height="10" rx="2" {}
        }
    }
}

/// A short bar that shows a share.
pub(in crate::web::ui) fn share(part: u64, whole: u64) -> Markup {
    let width = part as f64 / whole.max(1) as f64 * 100.0;
    html! {
        svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class="fill-ground" width="100" height="10" {}
            rect class="fill-disconnected" width=(coordinate(width)) height="10" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_part_is_seen_and_all_fill_the_bar() {
        let parts = [(Health::Disconnected, 1), (Health::Healthy, 100_000)];
        let placed = placed(&parts);
        assert!(placed[0].2 > 5.0, "{placed:?}");
        let (_, x, width, _) = placed[1];
        assert!((x + width - WIDTH).abs() < 1e-6, "{placed:?}");
        assert!((placed[0].2 - x).abs() < 1e-9, "{placed:?}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(placed(&[]).is_empty());
        assert!(share(0, 0).into_string().contains("width=\"0\""));
    }
}
