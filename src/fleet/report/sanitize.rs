//! Makes names safe to show. Users choose these names, and a terminal must not interpret them.

/// Replaces by U+FFFD each character that could move the cursor, change the colour, break the line
/// or change the writing direction.
pub fn sanitize(text: &str) -> String {
    let shown = text
        .chars()
        .map(|it| if is_odd(it) { '\u{fffd}' } else { it });
    shown.collect()
}

/// Escapes such characters in pretty-printed JSON: a parser reads the original names, and a
/// terminal does not interpret them.
pub fn sanitize_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for it in json.chars() {
        match it {
            // All of them are of the first plane: four digits do.
            it if is_odd(it) && it != '\n' => shown.push_str(&format!("\\u{:04x}", it as u32)),
            it => shown.push(it),
        }
    }
    shown
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
        assert_eq!(sanitize(hostile), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(sanitize("grüße 世界 🦀"), "grüße 世界 🦀");
    }

    #[test]
    fn names_in_json_stay_what_they_are_and_reach_no_terminal() {
        let odd: String = ('\0'..='\u{ffff}').filter(|it| is_odd(*it)).collect();
        let json = serde_json::json!({ "name": odd, "it": "grüße 🦀" });
        let pretty = serde_json::to_string_pretty(&json).unwrap();
        let shown = sanitize_json(&pretty);
        assert!(!shown.contains(|it| is_odd(it) && it != '\n'), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, json);
    }
}
