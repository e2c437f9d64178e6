//! Encodes array parameters from existing slices. A list of the ids of a million agents would
//! double the memory.

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

/// Bytes of the rest of a message, besides what [`Element::BYTES_AFTER`] says.
const ROOM_FOR_THE_REST: usize = 512;

/// A Rust type that can be an array element.
pub(super) trait Element {
    /// The Postgres type of an element.
    const TYPE: Type;
    /// The Postgres type of the array.
    const ARRAY: Type;
    /// Bytes of each item in the parameters that may follow; `None` for what follows itself, and has
    /// its room already.
    const BYTES_AFTER: Option<usize> = None;

    /// Writes an element in the binary format: its length in bytes, then its value.
    fn write(&self, out: &mut BytesMut);
}

impl Element for Uuid {
    const TYPE: Type = Type::UUID;
    const ARRAY: Type = Type::UUID_ARRAY;
    // A list of numbers.
    const BYTES_AFTER: Option<usize> = Some(size_of::<i32>() + 4);

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
        // Once for the whole message: a buffer that has to grow again doubles, and is kept.
        let bytes = items.len() * (size_of::<V>() + 4);
        out.reserve(match V::BYTES_AFTER {
            Some(after) => bytes + items.len() * after + ROOM_FOR_THE_REST,
            None => bytes + size_of_val(&head),
        });
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
    fn message_with_ids_and_numbers_grows_once() {
        let mut message = BytesMut::new();
        message.extend_from_slice(b"the statement");
        let ids = vec![Uuid::nil(); 10_000];
        Array(&ids, |it| *it)
            .to_sql(&Type::UUID_ARRAY, &mut message)
            .unwrap();
        let room = message.capacity();
        message.extend_from_slice(b"length");
        Array(&ids, |_| 1)
            .to_sql(&Type::INT4_ARRAY, &mut message)
            .unwrap();
        message.extend_from_slice(b"the end");
        assert_eq!(message.capacity(), room);
    }

    #[test]
    fn arrays_are_those_of_the_driver() {
        same::<i32>(&[]);
        same(&[0, -1, i32::MAX]);
        same::<Uuid>(&[]);
        same(&[Uuid::nil(), Uuid::from_u128(u128::MAX), Uuid::from_u128(7)]);
    }
}
