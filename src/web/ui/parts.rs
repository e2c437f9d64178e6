//! Common parts of pages: names, badges, numbers and texts.

use maud::{Markup, html};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::health::Health;

/// A longer text is collapsed.
const LONG: usize = 160;

/// What to say of an agent that is not the usual sort.
pub(super) const fn kind_note(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Root => None,
        Kind::Sub => Some("sub-agent"),
        Kind::External => Some("outside Coder"),
        Kind::Prebuild => Some("prebuilt, no user yet"),
    }
}

/// The name of a health class for people, with spaces.
pub(super) fn spoken(health: Health) -> String {
    health.as_str().replace('_', " ")
}

/// A badge with the health class in its colour.
pub(super) fn badge(health: Health) -> Markup {
    html! { span class={ "badge health-" (health.as_str()) } { (spoken(health)) } }
}

/// A name from the database, isolated so that it cannot change the writing direction of the text
/// after it.
pub(super) fn name(text: &str) -> Markup {
    match text {
        "" => html! { span class="faint" { "(no name)" } },
        text => html! { bdi { (sanitize(text)) } },
    }
}

/// The number with commas between thousands, as in `12,345`.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 agent`, `2 agents`.
pub(super) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", number(count))
}

/// A share in whole percent. It is 0 % or 100 % only if it is exact.
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

/// A badge with the outcome of a probe in its colour.
pub(super) fn outcome_badge(outcome: ProbeOutcome) -> Markup {
    let name = outcome.as_str();
    html! { span class={ "badge outcome-" (name) } { (name.replace('_', " ")) } }
}

/// That badge where so many were counted: without colour for none.
pub(super) fn outcome_count_badge(outcome: ProbeOutcome, count: u64) -> Markup {
    match count {
        0 => html! { span class="badge none" { (outcome.as_str().replace('_', " ")) } },
        _ => outcome_badge(outcome),
    }
}

/// The duration in seconds with three decimals.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// A text of several lines, collapsed if it is long.
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

/// The commands, with a button that only the script shows.
pub(super) fn commands_to_copy(commands: &[String]) -> Markup {
    html! {
        div class="copied" {
            pre class="commands" { (commands.join("\n")) }
            button type="button" hidden data-copy-text data-keep { "Copy" }
        }
    }
}

/// The text with its line breaks. Other unsafe characters are replaced.
fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(|it| sanitize(&it.replace('\t', "    ")));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
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
    fn text_of_many_lines_is_folded_and_never_markup() {
        let shown = long_text("<b>one</b>\n\x1b[31mtwo").into_string();
        assert!(shown.contains("<details><summary>&lt;b&gt;one"), "{shown}");
        assert!(shown.contains("\n\u{fffd}[31mtwo</pre>"), "{shown}");
        assert_eq!(long_text("short").into_string(), " short");
    }
}
