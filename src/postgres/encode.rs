//! Encodes array parameters from existing slices. A list of the ids of a million agents would
//! double the memory.
//!
//! A statement takes its longest list last. The driver writes every message into one buffer, and
//! the message that follows goes behind it where there is room, which keeps all of it in memory. So
//! a long list has room for itself and for the end of its message, and for nothing more.

use std::error::Error;
use std::fmt;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::fleet::model::time::Timestamp;

/// A Postgres array with a value for each item. No value is NULL.
pub(super) struct Array<'a, T, V>(pub(super) &'a [T], pub(super) fn(&T) -> V);

impl<T, V> fmt::Debug for Array<'_, T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.0.len())
    }
}

/// Bytes of a message behind its last parameter: the format of the columns, and the orders to
/// describe them, to execute the statement, and to answer.
const END_OF_MESSAGE: usize = 4 + 7 + 10 + 5;

/// A Rust type that can be an array element.
pub(super) trait Element {
    /// The Postgres type of an element.
    const TYPE: Type;
    /// The Postgres type of the array.
    const ARRAY: Type;

    /// Writes an element in the binary format: its length in bytes, then its value.
    fn write(&self, out: &mut BytesMut);
}

impl Element for Uuid {
    const TYPE: Type = Type::UUID;
    const ARRAY: Type = Type::UUID_ARRAY;

    fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(&16_i32.to_be_bytes());
        out.extend_from_slice(self.as_bytes());
    }
}

impl Element for i32 {
    const TYPE: Type = Type::INT4;
    const ARRAY: Type = Type::INT4_ARRAY;

    fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(&4_i32.to_be_bytes());
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl Element for Timestamp {
    const TYPE: Type = Type::TIMESTAMPTZ;
    const ARRAY: Type = Type::TIMESTAMPTZ_ARRAY;

    fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(&8_i32.to_be_bytes());
        out.extend_from_slice(&self.postgres_micros().to_be_bytes());
    }
}

impl<T: Sync, V: Element> ToSql for Array<'_, T, V> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Self(items, value) = self;
        let length = i32::try_from(items.len())?;
        // Dimensions, whether there are NULLs, what of, how many, from which index on.
        let head = [1, 0, V::TYPE.oid().cast_signed(), length, 1];
        // A buffer that has to grow doubles.
        let bytes = items.len() * (size_of::<V>() + 4);
        out.reserve(size_of_val(&head) + bytes + END_OF_MESSAGE);
        for number in head {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for item in *items {
            value(item).write(out);
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == V::ARRAY
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<V: Element + ToSql + Copy + Sync>(values: &[V]) {
        let (mut ours, mut theirs) = (BytesMut::new(), BytesMut::new());
        Array(values, |it| *it)
            .to_sql(&V::ARRAY, &mut ours)
            .unwrap();
        values.to_sql(&V::ARRAY, &mut theirs).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn message_whose_longest_list_is_last_has_no_room_for_another() {
        let mut message = BytesMut::new();
        message.extend_from_slice(b"the statement");
        let ids = vec![Uuid::nil(); 10_000];
        Array(&ids, |_| 1)
            .to_sql(&Type::INT4_ARRAY, &mut message)
            .unwrap();
        message.extend_from_slice(&4_i32.to_be_bytes());
        Array(&ids, |it| *it)
            .to_sql(&Type::UUID_ARRAY, &mut message)
            .unwrap();
        assert_eq!(message.capacity() - message.len(), END_OF_MESSAGE);
    }

    #[test]
    fn arrays_are_those_of_the_driver() {
        same::<i32>(&[]);
        same(&[0, -1, i32::MAX]);
        same::<Uuid>(&[]);
        same(&[Uuid::nil(), Uuid::from_u128(u128::MAX), Uuid::from_u128(7)]);
    }
}
