//! What the commands print: names made safe, columns that fit, moments and ages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::builder::styling::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::fleet::health::Health;
use crate::fleet::outcome::Outcome;
use crate::fleet::printable::printable;
use crate::fleet::time::Timestamp;

/// What everybody's terminal has.
pub(super) const WIDTH: usize = 80;

pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const CAUTION: Style = AnsiColor::Yellow.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const STRONG: Style = Style::new().bold();

/// A text in a style; the writer leaves the style out where there is no terminal.
pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(super) fn of_health(health: Health) -> Style {
    match health {
        it if it.is_problem() => BAD,
        Health::Healthy => GOOD,
        Health::Starting | Health::Connecting => CAUTION,
        _ => FAINT,
    }
}

pub(super) fn of_outcome(outcome: Outcome) -> Style {
    match outcome {
        it if it.is_reached() => GOOD,
        Outcome::ExporterError => CAUTION,
        _ => BAD,
    }
}

/// The text in exactly this many columns, cut with an ellipsis or filled with spaces.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let text = printable(text);
    let width = text.width();
    if width <= columns {
        return text + &" ".repeat(columns - width);
    }
    let mut cut = String::new();
    let mut used = 0;
    for it in text.chars() {
        let wide = it.width().unwrap_or_default();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        cut.push(it);
    }
    cut.push('…');
    cut + &" ".repeat(columns.saturating_sub(used + 1))
}

/// RFC 3339 in whole seconds, UTC; dates nobody meant are told by name.
pub(super) fn moment(at: Timestamp) -> String {
    let seconds = at.as_unix_seconds();
    if seconds == f64::INFINITY {
        return "infinity".into();
    }
    if seconds == f64::NEG_INFINITY {
        return "-infinity".into();
    }
    // What humantime can write: years 1970 to 9999.
    if !(0.0..253_402_300_800.0).contains(&seconds) {
        return format!("{seconds} s since 1970");
    }
    let time: SystemTime = UNIX_EPOCH + Duration::from_secs_f64(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The two largest units: `3d 4h`, `2m 5s`, `0s`.
pub(super) fn age(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "for ever".into();
    }
    let whole = seconds.max(0.0) as u64;
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = whole;
    let mut parts = Vec::new();
    for (name, length) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 || !parts.is_empty() || length == 1 {
            parts.push(format!("{count}{name}"));
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_a_terminal_does() {
        assert_eq!(fit("ada", 5), "ada  ");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("世界世界", 5), "世界…");
        assert_eq!(fit("世界世界", 6), "世界… ");
        for width in 1..12 {
            assert_eq!(fit("日本語テキスト", width).width(), width);
        }
    }

    #[test]
    fn moments_and_ages_are_short() {
        let at = |seconds: i64| Timestamp::from_unix_micros(seconds * 1_000_000);
        assert_eq!(moment(at(1_735_689_600)), "2025-01-01T00:00:00Z");
        assert_eq!(moment(Timestamp::END), "infinity");
        assert_eq!(moment(at(-1)), "-1 s since 1970");
        for (seconds, expected) in [
            (0.4, "0s"),
            (59.9, "59s"),
            (60.0, "1m 0s"),
            (3_725.0, "1h 2m"),
            (273_600.0, "3d 4h"),
            (-5.0, "0s"),
            (f64::INFINITY, "for ever"),
        ] {
            assert_eq!(age(seconds), expected);
        }
    }
}
