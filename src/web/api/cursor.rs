//! Cursors of the list of agents: the end of a page as opaque text.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

/// First bytes of a cursor, which allow for another format later. With two bytes the length is a
/// multiple of three, so each cursor has exactly one text.
const SORT: [u8; 2] = [0, 1];

/// A pattern that matches cursors only.
pub(super) const PATTERN: &str = "^AA[E-H][A-Za-z0-9_-]{21}$";

/// The cursor of the page after this agent.
pub(super) fn cursor(last: Uuid) -> String {
    let bytes = [&SORT[..], last.as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The agent before the page; `None` if the text is not a cursor.
pub(super) fn read(cursor: &str) -> Option<Uuid> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Uuid::from_slice(bytes.strip_prefix(&SORT)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursor_reads_back(id in any::<u128>()) {
            let id = Uuid::from_u128(id);
            prop_assert_eq!(read(&cursor(id)), Some(id));
        }

        #[test]
        fn whatever_looks_like_a_cursor_is_one(text in PATTERN.trim_matches(['^', '$'])) {
            let id = read(&text);
            prop_assert_eq!(id.map(cursor), Some(text));
        }

        #[test]
        fn nothing_else_is_read(text in "\\PC{0,30}|[A-Z]{24}|AA[E-H][A-Za-z0-9_-]{20,22}=?") {
            if let Some(id) = read(&text) {
                prop_assert_eq!(cursor(id), text);
            }
        }
    }
}
