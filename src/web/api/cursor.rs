//! Where a page of agents ended, as text that means something here alone.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

/// What begins a cursor, so that another sort of it can be told apart some day. Two bytes make
/// the whole a multiple of three: one text for each cursor, without bits to spare.
const SORT: [u8; 2] = [0, 1];

/// How every cursor looks, and nothing else.
pub(super) const PATTERN: &str = "^AA[E-H][A-Za-z0-9_-]{21}$";

/// The cursor of the page that begins after this agent.
pub(super) fn cursor(last: Uuid) -> String {
    let bytes = [&SORT[..], last.as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The agent after which the page begins; `None` for a text that is no cursor.
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
