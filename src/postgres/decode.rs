//! Decodes columns. Any row gives a value or an error, never a panic.

use std::borrow::Cow;
use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;

/// The value of a column; `None` for NULL.
///
/// # Errors
///
/// When the column has another type.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<Option<T>, Failure> {
    row.try_get(index).map_err(|error| {
        let name = row.columns().get(index).map_or("?", |column| column.name());
        let message = format!("column {name} cannot be read: {error}");
        Failure::new(ErrorKind::Decode, message).caused_by(error)
    })
}

/// Decodes a binary `timestamptz`: whole microseconds, with the infinities at the ends of the
/// range.
impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros: [u8; 8] = raw.try_into()?;
        Ok(Self::from_postgres_micros(i64::from_be_bytes(micros)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// Text that may not be UTF-8, since a database with encoding `SQL_ASCII` allows that. Invalid
/// bytes become U+FFFD, so that a bad name does not fail the whole query.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw)))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fleet::model::agent::Lifecycle;
    use crate::fleet::model::bounded::bounded;
    use crate::fleet::model::label_value::DbEnum;

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_text_and_good_text_is_kept(
            bytes: Vec<u8>, good in "\\PC{0,64}",
        ) {
            let read = |raw: &[u8]| Text::from_sql(&Type::TEXT, raw).unwrap().0.into_owned();
            prop_assert_eq!(read(good.as_bytes()), good);
            prop_assert!(read(&bytes).chars().count() <= bytes.len());
        }

        #[test]
        fn time_is_eight_bytes_or_an_error(bytes: Vec<u8>, micros: i64) {
            let read = |raw: &[u8]| Timestamp::from_sql(&Type::TIMESTAMPTZ, raw);
            prop_assert_eq!(read(&bytes).is_ok(), bytes.len() == 8);
            let at = read(&micros.to_be_bytes()).unwrap();
            prop_assert_eq!(at, Timestamp::from_postgres_micros(micros));
        }
    }

    #[test]
    fn fuzzed_row_is_values_or_errors_and_texts_are_bounded() {
        let good = [
            "workspace",
            "v2.36.0-devel+1a2b3c",
            "\u{1f600}\u{1f600}",
            "12345678",
        ];
        crate::fuzzing::fuzz(&good, |input| {
            let text = Text::from_sql(&Type::TEXT, input).unwrap().0;
            for limit in [3, 64, 256, 2048] {
                assert!(bounded(text.clone(), limit).len() <= limit);
            }
            let time = Timestamp::from_sql(&Type::TIMESTAMPTZ, input);
            assert_eq!(time.is_ok(), input.len() == 8);
            let _ = DbEnum::<Lifecycle>::parse(Some(&text));
        });
    }
}
