//! Text output of the commands: colours, and text in a number of columns.

use clap::builder::styling::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::health::Health;

pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const CAUTION: Style = AnsiColor::Yellow.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const STRONG: Style = Style::new().bold();

/// The text with a style. The writer removes the style if stdout is not a terminal.
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

pub(super) fn of_outcome(outcome: ProbeOutcome) -> Style {
    match outcome {
        it if it.is_reached() => GOOD,
        ProbeOutcome::ExporterError => CAUTION,
        _ => BAD,
    }
}

/// The text in exactly this many columns, cut with an ellipsis or filled with spaces.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let text = sanitize(text);
    let width = text.width();
    if width <= columns {
        return text + &" ".repeat(columns - width);
    }
    let cut = beginning(&text, columns.saturating_sub(1));
    let filling = columns.saturating_sub(cut.width() + 1);
    format!("{cut}…{}", " ".repeat(filling))
}

/// The longest prefix that fits into `columns`. A sequence that a terminal draws as one character
/// (a heart and its variation selector) is measured as one.
pub(super) fn beginning(text: &str, columns: usize) -> &str {
    // Accents take no column: without a limit a name could be made of nothing else.
    let ends = text.char_indices().map(|(start, it)| start + it.len_utf8());
    let fits = |end: &usize| text[..*end].width() <= columns;
    let longest = ends.take(4 * columns).take_while(fits).last();
    &text[..longest.unwrap_or_default()]
}

/// The longest suffix that fits into `columns`.
pub(super) fn ending(text: &str, columns: usize) -> &str {
    let starts = text.char_indices().map(|(start, _)| start).rev();
    let fits = |start: &usize| text[*start..].width() <= columns;
    let longest = starts.take(4 * columns).take_while(fits).last();
    &text[longest.unwrap_or(text.len())..]
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
        let accents = "e\u{301}".repeat(900);
        for text in ["日本語テキスト", "❤️❤️❤️❤️❤️❤️❤️", "👩🏽👩🏽👩🏽👩🏽👩🏽", &accents]
        {
            for width in 1..12 {
                let fitted = fit(text, width);
                assert_eq!(fitted.width(), width, "{fitted}");
                let end = ending(text, width);
                assert!(end.width() <= width && text.ends_with(end), "{end}");
            }
        }
    }
}
