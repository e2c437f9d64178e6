//! Times and ages on pages. The age is shown, and the time is its tooltip.

use maud::{Markup, html};

use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::{age, moment};

/// Ages up to twelve hours are shown without a date, because the time of day is unique within them.
const HOURS_WITHOUT_DATE: f64 = 12.0 * 3600.0;

/// The age as text, with the time as tooltip. The script updates it.
pub(super) fn since(at: Timestamp, now: Timestamp) -> Markup {
    let shown = moment(at);
    if at == Timestamp::BEGINNING || at == Timestamp::END {
        return html! { span title=(shown) { (age(now.seconds_since(at))) } };
    }
    let seconds = at.as_unix_seconds().floor();
    html! {
        time datetime=(shown) title=(absolute(at)) data-since=(seconds) { (age(now.seconds_since(at))) }
    }
}

/// The time to the minute, as in `02:13 UTC`, with the date if it is older than twelve hours.
pub(super) fn clock_time(at: Timestamp, now: Timestamp) -> Markup {
    let shown = moment(at);
    let is_near = now.seconds_since(at).abs() < HOURS_WITHOUT_DATE;
    let (form, time) = match (shown.get(..10), shown.get(11..16)) {
        (Some(_), Some(time)) if is_near => ("time", format!("{time} UTC")),
        (Some(date), Some(time)) => ("minute", format!("{date} {time} UTC")),
        _ => ("none", shown.clone()),
    };
    html! { time datetime=(shown) title=(absolute(at)) data-clock=(form) { (time) } }
}

/// The time to the second, as in `2026-11-28 16:13:10 UTC`.
pub(super) fn absolute(at: Timestamp) -> String {
    let shown = moment(at);
    match (shown.get(..10), shown.get(11..19)) {
        (Some(date), Some(time)) if shown.ends_with('Z') => format!("{date} {time} UTC"),
        _ => shown,
    }
}

/// That time, which the script shows in the browser's zone if the reader chose that.
pub(super) fn exact(at: Timestamp) -> Markup {
    html! { time class="faint" datetime=(moment(at)) data-clock="second" { (absolute(at)) } }
}

/// The age as in `5m 3s ago`, with the time as tooltip.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = now.seconds_since(at);
    if at == Timestamp::BEGINNING || at == Timestamp::END {
        return html! { (moment(at)) };
    }
    if seconds < 0.0 {
        return html! { span title=(absolute(at)) { (age(-seconds)) " after now" } };
    }
    html! { (since(at, now)) " ago" }
}

/// As [`ago`], with the time next to it, for readers without a pointing device.
pub(super) fn full_moment(at: Option<Timestamp>, now: Timestamp) -> Markup {
    match at {
        None => html! { span class="faint" { "never" } },
        Some(at) if at == Timestamp::BEGINNING || at == Timestamp::END => ago(at, now),
        Some(at) => html! { (ago(at, now)) " " (exact(at)) },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_nobody_meant_are_not_counted_on() {
        let now = Timestamp::from_unix_micros(1_735_689_600_000_000);
        let shown = since(Timestamp::BEGINNING, now).into_string();
        assert!(!shown.contains("data-since"), "{shown}");
        let shown = since(now, now).into_string();
        assert!(shown.contains("data-since=\"1735689600\""), "{shown}");
        let shown = clock_time(now, now).into_string();
        assert!(shown.contains(">00:00 UTC<"), "{shown}");
        let shown = clock_time(now, now.after(Duration::from_secs(86_400))).into_string();
        assert!(shown.contains(">2025-01-01 00:00 UTC<"), "{shown}");
    }

    #[test]
    fn moments_after_now_are_told_as_such() {
        let now = Timestamp::from_unix_micros(1_735_689_600_000_000);
        let later = Timestamp::from_unix_micros(1_735_689_603_000_000);
        assert!(ago(later, now).into_string().contains("3s after now"));
        assert!(ago(now, later).into_string().contains("3s</time> ago"));
        let odd = full_moment(Some(Timestamp::END), now).into_string();
        assert_eq!(odd, "infinity");
    }
}
