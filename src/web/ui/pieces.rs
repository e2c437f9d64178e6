//! What the pages of an agent and of the probe are put together from, besides
//! [`parts`](super::parts).

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use crate::fleet::named::Variants;
use crate::fleet::outcome::ProbeOutcome;
use crate::fleet::printable::printable;
use crate::fleet::time::Timestamp;
use crate::fleet::told::{age, moment};

use super::parts::since;

/// A text this long is folded.
const LONG: usize = 160;

/// What the script keeps as it is at present; its times count from `now`.
pub(super) fn live(now: Timestamp, main: &Markup) -> Markup {
    html! { div class="live" data-live data-now=(now.as_unix_seconds()) { (main) } }
}

/// `5m 3s ago`; the moment itself where one asks for it.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = now.seconds_since(at);
    if at == Timestamp::BEGINNING || at == Timestamp::END {
        return html! { (moment(at)) };
    }
    if seconds < 0.0 {
        return html! { span title=(moment(at)) { (age(-seconds)) " after now" } };
    }
    html! { (since(at, now)) " ago" }
}

/// As [`ago`], with the moment itself beside it, for who can point at nothing.
pub(super) fn full_moment(at: Option<Timestamp>, now: Timestamp) -> Markup {
    match at {
        None => html! { span class="faint" { "never" } },
        Some(at) if at == Timestamp::BEGINNING || at == Timestamp::END => ago(at, now),
        Some(at) => html! { (ago(at, now)) " " span class="faint" { (moment(at)) } },
    }
}

/// What came of a probe, with its colour.
pub(super) fn outcome_badge(outcome: ProbeOutcome) -> Markup {
    let name = outcome.as_str();
    html! { span class={ "badge outcome-" (name) } { (name.replace('_', " ")) } }
}

/// Seconds to the millisecond.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// A text of any length and any number of lines, folded where it is long.
pub(super) fn long_text(text: &str) -> Markup {
    let text = printable_lines(text);
    if text.chars().count() <= LONG && !text.contains('\n') {
        return html! { " " (text) };
    }
    let first: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(LONG)
        .collect();
    html! { details { summary { (first) "…" } pre { (text) } } }
}

/// The lines are kept, and of each what can be shown.
fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(|it| printable(&it.replace('\t', "    ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// The same page with another status.
pub(super) fn with_status(status: StatusCode, mut page: Response) -> Response {
    *page.status_mut() = status;
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_after_now_are_told_as_such() {
        let now = Timestamp::from_unix_micros(1_735_689_600_000_000);
        let later = Timestamp::from_unix_micros(1_735_689_603_000_000);
        assert!(ago(later, now).into_string().contains("3s after now"));
        assert!(ago(now, later).into_string().contains("3s</time> ago"));
        let odd = full_moment(Some(Timestamp::END), now).into_string();
        assert_eq!(odd, "infinity");
    }

    #[test]
    fn text_of_many_lines_is_folded_and_never_markup() {
        let shown = long_text("<b>one</b>\n\x1b[31mtwo").into_string();
        assert!(shown.contains("<details><summary>&lt;b&gt;one"), "{shown}");
        assert!(shown.contains("\n\u{fffd}[31mtwo</pre>"), "{shown}");
        assert_eq!(long_text("short").into_string(), " short");
    }
}
