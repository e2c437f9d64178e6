//! The line of an incident: how many agents had the problem, from its first to now.

use maud::{Markup, html};

use crate::fleet::model::time::Timestamp;

use super::coordinate;

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 24.0;

/// Points of the line at most.
const POINTS: usize = 48;

/// Renders the number of agents over time, from when the problem of each began. Nothing where that
/// is known of no agent. The numbers are in the text beside it.
pub(in crate::web::ui) fn trend(mut sinces: Vec<Timestamp>, now: Timestamp) -> Markup {
    sinces.sort();
    let Some(first) = sinces.first().copied() else {
        return html! {};
    };
    html! {
        svg class="trend" viewBox="0 0 240 24" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            path class="fill-disconnected" d=(outline(&sinces, first, now)) {}
        }
    }
}

fn outline(sinces: &[Timestamp], first: Timestamp, now: Timestamp) -> String {
    let span = now.seconds_since(first).max(1.0);
    let x = |at: Timestamp| (at.seconds_since(first) / span).clamp(0.0, 1.0) * WIDTH;
    let y = |count: usize| HEIGHT - count as f64 / sinces.len() as f64 * HEIGHT;
    let step = sinces.len().div_ceil(POINTS);
    let mut path = format!("M0 {}", coordinate(HEIGHT));
    let mut before = 0;
    for count in (step..sinces.len()).step_by(step).chain([sinces.len()]) {
        let at = coordinate(x(sinces[count - 1]));
        path.push_str(&format!(
            "L{at} {}L{at} {}",
            coordinate(y(before)),
            coordinate(y(count))
        ));
        before = count;
    }
    path.push_str(&format!(
        "L{0} 0L{0} {1}Z",
        coordinate(WIDTH),
        coordinate(HEIGHT)
    ));
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;

    #[test]
    fn line_rises_where_agents_were_lost_and_goes_on_to_now() {
        let path = outline(&[at(-100), at(-50)], at(-100), at(0));
        assert_eq!(path, "M0 24L0 24L0 12L120 12L120 0L240 0L240 24Z");
    }

    #[test]
    fn line_of_many_agents_has_few_points() {
        let shown = trend((0..6000).map(|it| at(it - 6000)).collect(), at(0));
        assert!(shown.into_string().len() < 2_000);
        assert_eq!(trend(Vec::new(), at(0)).into_string(), "");
    }
}
