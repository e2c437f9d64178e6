//! Names as they may be shown: whoever may name a workspace may not move a reader's cursor.

/// The text without what could move the cursor, change the colour, break the line or turn the
/// reading direction; each such character becomes U+FFFD.
pub fn printable(text: &str) -> String {
    let shown = text
        .chars()
        .map(|it| if is_odd(it) { '\u{fffd}' } else { it });
    shown.collect()
}

fn is_odd(it: char) -> bool {
    // Controls, zero-width characters, line separators, directions, the byte order mark.
    it.is_control()
        || matches!(
            it,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_reach_the_terminal() {
        let hostile = "a\x1b[31mb\nc\u{202e}d";
        assert_eq!(printable(hostile), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(printable("grüße 世界 🦀"), "grüße 世界 🦀");
    }
}
