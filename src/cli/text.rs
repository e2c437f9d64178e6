//! Text output of the commands: escaped names and aligned columns.

use clap::builder::styling::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::health::Health;

/// Columns of the narrowest common terminal.
pub(super) const WIDTH: usize = 80;

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
fn beginning(text: &str, columns: usize) -> &str {
    // Accents take no column: without a limit a name could be made of nothing else.
    let ends = text.char_indices().map(|(start, it)| start + it.len_utf8());
    let fits = |end: &usize| text[..*end].width() <= columns;
    let longest = ends.take(4 * columns).take_while(fits).last();
    &text[..longest.unwrap_or_default()]
}

/// The text wrapped at words to the terminal's width after `indent` columns. A word longer than a
/// line is broken. Line breaks in the text, as in a job's error, become spaces.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let columns = WIDTH - indent;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = sanitize(word);
        match lines.last_mut() {
            Some(last) if last.width() + 1 + word.width() <= columns => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => lines.extend(pieces(&word, columns)),
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

/// A command to copy, after `$`: broken before an option or a name, as a shell reads it on.
pub(super) fn command(text: &str) -> String {
    /// What ends a line that goes on.
    const GOES_ON: &str = " \\";
    let mut lines = vec!["  $".to_owned()];
    for word in text.split(' ') {
        let word = sanitize(word);
        match lines.last_mut() {
            Some(last) if last.width() + 1 + word.width() + GOES_ON.len() <= WIDTH => {
                last.push(' ');
                last.push_str(&word);
            }
            Some(last) => {
                last.push_str(GOES_ON);
                lines.push(format!("      {word}"));
            }
            None => {}
        }
    }
    lines.join("\n")
}

fn pieces(word: &str, columns: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let piece = match beginning(rest, columns) {
            "" => rest,
            piece => piece,
        };
        pieces.push(piece.to_owned());
        rest = &rest[piece.len()..];
    }
    pieces
}

/// A name as a heading, followed by `more`: on the same line if it fits, otherwise below.
pub(super) fn heading(name: &str, more: &str) -> String {
    let name = sanitize(name);
    let gap = match name.width() + 2 + more.width() <= WIDTH {
        true => "  ",
        false => "\n",
    };
    format!("{}{gap}{more}", styled(STRONG, &wrapped(&name, 0)))
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
            }
        }
    }

    #[test]
    fn long_text_is_broken_at_words_and_long_words_anywhere() {
        assert_eq!(wrapped("no space\r\n\tleft", 22), "no space left");
        assert_eq!(wrapped("", 22), "");
        assert_eq!(
            wrapped("aaaa bbb cc", 76),
            "aaaa\n".to_owned() + &" ".repeat(76) + "bbb\n" + &" ".repeat(76) + "cc"
        );
        assert_eq!(wrapped("a\x1bb", 0), "a\u{fffd}b");
        let accents = format!("x{}", "\u{301}".repeat(900));
        for text in ["x".repeat(500), "世界".repeat(99), "❤️".repeat(99), accents] {
            let broken = wrapped(&format!("it is {text} there"), 22);
            assert!(broken.lines().all(|line| line.width() <= WIDTH), "{broken}");
            let whole: String = broken.split_whitespace().collect();
            assert_eq!(whole, format!("itis{text}there"));
        }
    }

    #[test]
    fn long_command_goes_on_as_a_shell_reads_it() {
        assert_eq!(command("coder netcheck"), "  $ coder netcheck");
        let name = "x".repeat(32);
        let long = format!("coder templates versions list {name} --org {name}");
        let shown = command(&long);
        assert!(shown.lines().all(|it| it.width() <= WIDTH), "{shown}");
        let read = shown.replace("\\\n", "").replacen("  $ ", "", 1);
        assert_eq!(read.split_whitespace().collect::<Vec<_>>().join(" "), long);
    }

    #[test]
    fn heading_has_its_id_below_where_there_is_no_room() {
        let plain = |name: &str| heading(name, "id").replace(['\x1b'], "");
        assert_eq!(plain("ada/box"), "[1mada/box[0m  id");
        let long = "x".repeat(78);
        assert_eq!(plain(&long), format!("[1m{long}[0m\nid"));
    }
}
