//! Reads the columns of a row by name.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::str::FromStr;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Label, Scope};
use crate::fleet::model::bounded::bounded;
use crate::fleet::model::label_value::{DbEnum, Variants};

use super::decode::{Text, column};
use super::text_limits::limit_of;

/// Positions of the columns in the rows of a statement. A name is looked up once; after that it is
/// as fast as a position.
#[derive(Default)]
pub(super) struct Columns {
    known: RefCell<Vec<(&'static str, usize)>>,
    /// Index in `known` of the name that is expected next.
    next: Cell<usize>,
}

impl Columns {
    /// Wraps a row of the statement.
    pub(super) fn of<'a>(&'a self, row: &'a Row) -> Fields<'a> {
        self.next.set(0);
        let columns = self;
        Fields { row, columns }
    }

    /// The position of a column, cached or from `find`.
    #[inline]
    fn position(
        &self,
        name: &'static str,
        find: impl FnOnce(&str) -> Option<usize>,
    ) -> Option<usize> {
        // Rows are read alike: it is nearly always the one after the last.
        let next = self.next.get();
        self.next.set(next + 1);
        match self.known.borrow().get(next) {
            Some(&(it, index)) if ptr::eq(it, name) => return Some(index),
            _ => {}
        }
        self.look_up(name, find)
    }

    #[cold]
    fn look_up(
        &self,
        name: &'static str,
        find: impl FnOnce(&str) -> Option<usize>,
    ) -> Option<usize> {
        let mut known = self.known.borrow_mut();
        // By their addresses: two that are equal elsewhere are known twice, and no more.
        let at = known.iter().position(|it| ptr::eq(it.0, name));
        let at = at.unwrap_or(known.len());
        if at == known.len() {
            known.push((name, find(name)?));
        }
        self.next.set(at + 1);
        known.get(at).map(|it| it.1)
    }
}

/// A row whose columns are read by name.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    row: &'a Row,
    columns: &'a Columns,
}

impl<'a> Fields<'a> {
    /// The value of a column; `None` for NULL.
    ///
    /// # Errors
    ///
    /// When the column does not exist or has another type.
    #[inline]
    pub(super) fn get<T: FromSql<'a>>(&self, name: &'static str) -> Result<Option<T>, Failure> {
        let find = |name: &str| {
            let mut all = self.row.columns().iter();
            all.position(|it| it.name() == name)
        };
        match self.columns.position(name, find) {
            Some(index) => column(self.row, index),
            None => Err(missing(name)),
        }
    }

    /// A text, whether or not it is UTF-8, within its column's limit; NULL is `None`.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, Failure> {
        let text = self.get::<Text<'a>>(name)?;
        Ok(text.map(|it| bounded(it.0, limit_of(name))))
    }

    /// Text as an owned string; empty for NULL.
    pub(super) fn string(&self, name: &'static str) -> Result<String, Failure> {
        let text = self.text(name)?;
        Ok(text.map(Cow::into_owned).unwrap_or_default())
    }

    /// A value of one of Coder's enums, which the statement casts to text.
    pub(super) fn named<V: Variants + FromStr>(
        &self,
        name: &'static str,
    ) -> Result<DbEnum<V>, Failure> {
        Ok(DbEnum::parse(self.text(name)?.as_deref()))
    }

    /// The column `count`. It is never NULL or negative.
    pub(super) fn count(&self) -> Result<u64, Failure> {
        let count: Option<i64> = self.get("count")?;
        Ok(count.and_then(|it| it.try_into().ok()).unwrap_or_default())
    }

    /// The index that the column `place` counts from one.
    pub(super) fn place(&self) -> Result<Option<usize>, Failure> {
        let place: Option<i32> = self.get("place")?;
        let place = place.and_then(|it| usize::try_from(it).ok());
        Ok(place.and_then(|it| it.checked_sub(1)))
    }

    /// The scope from the columns `organization` and `template`.
    pub(super) fn scope(&self) -> Result<Scope, Failure> {
        let label = |name| {
            let text = self.text(name)?.unwrap_or_default();
            Ok::<_, Failure>(Label::from(&*text))
        };
        Ok(Scope {
            organization: label("organization")?,
            template: label("template")?,
        })
    }
}

#[cold]
fn missing(name: &str) -> Failure {
    let message = format!("column {name} is missing from the answer");
    Failure::new(ErrorKind::Decode, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_looked_up_once_in_whatever_order_rows_are_read() {
        let columns = Columns::default();
        let looked_up = Cell::new(0);
        let find = |name: &str| {
            looked_up.set(looked_up.get() + 1);
            ["id", "name", "count"].iter().position(|it| *it == name)
        };
        for _ in 0..2 {
            for names in [["id", "name", "count"], ["id", "count", "name"]] {
                columns.next.set(0);
                let found = names.map(|it| columns.position(it, find).unwrap());
                let expected = names.map(|it| find(it).unwrap());
                looked_up.set(looked_up.get() - 3);
                assert_eq!(found, expected);
            }
        }
        assert_eq!(looked_up.get(), 3);
    }

    #[test]
    fn name_that_is_not_there_is_not_there_in_any_row() {
        let columns = Columns::default();
        for _ in 0..2 {
            columns.next.set(0);
            assert_eq!(columns.position("id", |_| Some(4)), Some(4));
            assert_eq!(columns.position("missing", |_| None), None);
        }
    }
}
