//! How wide the lines of an answer may be, and text that fits.

use std::fmt;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use unicode_width::UnicodeWidthStr;

use crate::fleet::report::sanitize::sanitize;

use super::text::{STRONG, beginning, ending, styled};

/// Columns of a terminal that does not say how many it has.
const USUAL: u16 = 80;

/// On a narrower terminal, lines are as wide as this.
const NARROWEST: u16 = 60;

/// The columns of a terminal. `None` where nothing is to be cut or wrapped: in a pipe or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width(pub(super) Option<usize>);

impl Width {
    /// Of what this stream leads to.
    pub(super) fn of(stream: &(impl IsTerminal + AsFd)) -> Self {
        if !stream.is_terminal() {
            return Self(None);
        }
        let columns = terminal_size::terminal_size_of(stream);
        let columns = columns.map_or(USUAL, |(columns, _)| columns.0);
        Self(Some(columns.max(NARROWEST).into()))
    }

    /// The name, which may leave out its middle where there is no room beside `other` columns.
    pub(super) fn name(self, name: &str, other: usize) -> String {
        let name = sanitize(name);
        match self.0 {
            Some(columns) => cut(&name, columns.saturating_sub(other)),
            None => name,
        }
    }

    /// The text wrapped at words after `indent` columns. A word longer than a line is broken. Line
    /// breaks in the text, as in a job's error, become spaces.
    pub(super) fn wrapped(self, text: &str, indent: usize) -> String {
        let Some(columns) = self.0.map(|it| it - indent) else {
            let words: Vec<_> = text.split_whitespace().map(sanitize).collect();
            return words.join(" ");
        };
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
    pub(super) fn command(self, text: &str) -> String {
        /// What ends a line that goes on.
        const GOES_ON: &str = " \\";
        let fits = |line: &str, word: &str| {
            let width = line.width() + 1 + word.width() + GOES_ON.len();
            self.0.is_none_or(|columns| width <= columns)
        };
        let mut lines = vec!["  $".to_owned()];
        for word in text.split(' ') {
            let word = sanitize(word);
            match lines.last_mut() {
                Some(last) if fits(last.as_str(), &word) => {
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

    /// A name as a heading, followed by `more`: on the same line if it fits, otherwise below.
    pub(super) fn heading(self, name: &str, more: &str) -> String {
        let name = sanitize(name);
        let width = name.width() + 2 + more.width();
        let gap = match self.0.is_none_or(|columns| width <= columns) {
            true => "  ",
            false => "\n",
        };
        format!("{}{gap}{more}", styled(STRONG, &self.wrapped(&name, 0)))
    }
}

/// An answer that is being written for this width.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) width: Width,
}

impl Answer {
    pub(super) fn new(width: Width) -> Self {
        Self {
            text: String::new(),
            width,
        }
    }
}

impl fmt::Write for Answer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

/// The text in at most this many columns. What does not fit is left out of the middle: names that
/// differ at the end still do.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let rest = columns.saturating_sub(1);
    let end = ending(text, rest / 2);
    let begin = beginning(text, rest - end.width());
    format!("{begin}…{end}")
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

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHTY: Width = Width(Some(80));
    const PIPE: Width = Width(None);

    #[test]
    fn long_text_is_broken_at_words_and_long_words_anywhere() {
        assert_eq!(EIGHTY.wrapped("no space\r\n\tleft", 22), "no space left");
        assert_eq!(EIGHTY.wrapped("", 22), "");
        assert_eq!(
            EIGHTY.wrapped("aaaa bbb cc", 76),
            "aaaa\n".to_owned() + &" ".repeat(76) + "bbb\n" + &" ".repeat(76) + "cc"
        );
        assert_eq!(EIGHTY.wrapped("a\x1bb", 0), "a\u{fffd}b");
        let accents = format!("x{}", "\u{301}".repeat(900));
        for text in ["x".repeat(500), "世界".repeat(99), "❤️".repeat(99), accents] {
            for columns in [60, 80, 200] {
                let broken = Width(Some(columns)).wrapped(&format!("it is {text} there"), 22);
                assert!(
                    broken.lines().all(|line| line.width() <= columns),
                    "{broken}"
                );
                let whole: String = broken.split_whitespace().collect();
                assert_eq!(whole, format!("itis{text}there"));
            }
        }
    }

    #[test]
    fn in_a_pipe_nothing_is_broken_or_cut() {
        let name = "世x".repeat(99);
        let text = format!("{name} {name}");
        assert_eq!(PIPE.wrapped(&text, 22), text);
        assert_eq!(PIPE.wrapped("a\x1bb\n c", 0), "a\u{fffd}b c");
        assert_eq!(PIPE.name(&name, 70), name);
        assert_eq!(PIPE.command(&text), format!("  $ {text}"));
        assert!(PIPE.heading(&name, "id").ends_with("  id"));
    }

    #[test]
    fn names_that_differ_at_either_end_do_so_when_cut() {
        assert_eq!(cut("ada/box.main", 12), "ada/box.main");
        assert_eq!(cut("ada/box.main", 11), "ada/b….main");
        assert_eq!(cut("世界世界", 7), "世界…界");
        for text in [
            "日本語テキスト",
            "❤️❤️❤️❤️❤️❤️❤️",
            "👩🏽👩🏽👩🏽👩🏽👩🏽",
            &"e\u{301}".repeat(900),
        ] {
            for columns in 1..12 {
                let found = cut(text, columns);
                assert!(found.width() <= columns, "{columns}: {found}");
            }
        }
    }

    #[test]
    fn long_command_goes_on_as_a_shell_reads_it() {
        assert_eq!(EIGHTY.command("coder netcheck"), "  $ coder netcheck");
        let name = "x".repeat(32);
        let long = format!("coder templates versions list {name} --org {name}");
        let shown = EIGHTY.command(&long);
        assert!(shown.lines().all(|it| it.width() <= 80), "{shown}");
        let read = shown.replace("\\\n", "").replacen("  $ ", "", 1);
        assert_eq!(read.split_whitespace().collect::<Vec<_>>().join(" "), long);
    }

    #[test]
    fn heading_has_its_id_below_where_there_is_no_room() {
        let plain = |name: &str| EIGHTY.heading(name, "id").replace(['\x1b'], "");
        assert_eq!(plain("ada/box"), "[1mada/box[0m  id");
        let long = "x".repeat(78);
        assert_eq!(plain(&long), format!("[1m{long}[0m\nid"));
    }
}
