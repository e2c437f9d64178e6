//! What pages are put together from: moments, names, badges, numbers.

use maud::{Markup, html};

use crate::fleet::health::Health;
use crate::fleet::named::Variants;
use crate::fleet::printable::printable;
use crate::fleet::time::Timestamp;
use crate::fleet::told::{age, moment};

/// Twelve hours: no time of day within them is that of another day.
const HOURS_WITHOUT_DATE: f64 = 12.0 * 3600.0;

/// How long ago, as text; the moment itself where one asks for it. The script counts on.
pub(super) fn since(at: Timestamp, now: Timestamp) -> Markup {
    let told = moment(at);
    if at == Timestamp::BEGINNING || at == Timestamp::END {
        return html! { span title=(told) { (age(now.seconds_since(at))) } };
    }
    let seconds = at.as_unix_seconds().floor();
    html! {
        time datetime=(told) title=(told) data-since=(seconds) { (age(now.seconds_since(at))) }
    }
}

/// A moment to the minute: `02:13 UTC`, and with its date where it is not of these hours.
pub(super) fn clock_time(at: Timestamp, now: Timestamp) -> Markup {
    let told = moment(at);
    let is_near = now.seconds_since(at).abs() < HOURS_WITHOUT_DATE;
    let time = match (told.get(..10), told.get(11..16)) {
        (Some(_), Some(time)) if is_near => format!("{time} UTC"),
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => told.clone(),
    };
    html! { time datetime=(told) title=(told) { (time) } }
}

/// A class of health, as a person says it.
pub(super) fn spoken(health: Health) -> String {
    health.as_str().replace('_', " ")
}

/// A class of health with its colour.
pub(super) fn badge(health: Health) -> Markup {
    html! { span class={ "badge health-" (health.as_str()) } { (spoken(health)) } }
}

/// A name somebody chose: it neither turns the reading direction of what follows, nor moves
/// anything.
pub(super) fn name(text: &str) -> Markup {
    match text {
        "" => html! { span class="faint" { "(no name)" } },
        text => html! { bdi { (printable(text)) } },
    }
}

/// 12,345
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut told = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

/// `1 agent`, `2 agents`.
pub(super) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", number(count))
}

/// A share in whole percent; never 0 % nor 100 % where it is a little more or less.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (0, _) | (_, 0) => "0 %".to_owned(),
        (part, whole) if part >= whole => "100 %".to_owned(),
        (part, whole) => {
            let share = (part as f64 / whole as f64 * 100.0)
                .round()
                .clamp(1.0, 99.0);
            format!("{share} %")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(count), expected);
        }
        assert_eq!(counted(1, "agent"), "1 agent");
        assert_eq!(counted(2000, "agent"), "2,000 agents");
    }

    #[test]
    fn share_is_never_rounded_to_none_or_all() {
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(1, 1000), "1 %");
        assert_eq!(percent(999, 1000), "99 %");
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(0, 0), "0 %");
    }

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
}
