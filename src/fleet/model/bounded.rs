//! Texts of others, cut to a length.

use std::borrow::Cow;

/// What stands at the end of a text that was cut.
pub const CUT: char = '…';

/// The text in at most `limit` bytes. One that is longer is cut between two characters and ends
/// in [`CUT`], so that a reader sees that it was longer.
pub fn bounded(text: Cow<'_, str>, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text;
    }
    let end = text.floor_char_boundary(limit.saturating_sub(CUT.len_utf8()));
    let mut cut = text.into_owned();
    cut.truncate(end);
    cut.push(CUT);
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, limit: usize, expected: &str) {
        assert_eq!(bounded(text.into(), limit), expected, "{text} in {limit}");
    }

    #[test]
    fn what_fits_is_kept_and_the_rest_is_cut_between_characters_and_marked() {
        check("", 8, "");
        check("abcdefgh", 8, "abcdefgh");
        check("abcdefghi", 8, "abcde…");
        check("abcdéfgh", 8, "abcd…");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_its_limit(text in "\\PC{0,40}", limit in 3..60_usize) {
            let cut = bounded(text.as_str().into(), limit);
            prop_assert!(cut.len() <= limit);
            let kept = cut.strip_suffix(CUT).unwrap_or(&cut);
            prop_assert!(text.starts_with(kept));
            prop_assert_eq!(*cut == *text, text.len() <= limit);
        }
    }
}
