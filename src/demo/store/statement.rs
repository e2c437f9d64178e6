//! An INSERT of any number of rows, column by column, for the columns that an era has.

use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::columns::{Column, ages, column, execute, flags, texts, uuids};
use crate::demo::fleet::Time;
use crate::demo::schema::Era;

/// A statement in the making. Rows that exist already are kept.
pub(super) struct Insert<'a, Row> {
    table: &'static str,
    rows: &'a [Row],
    era: Era,
    now: Time,
    names: Vec<&'static str>,
    values: Vec<String>,
    columns: Vec<Column<'a>>,
}

impl<'a, Row> Insert<'a, Row> {
    /// Rows for a table of this era. Their times count up to `now`, which is the database's `now()`.
    pub(super) fn into(table: &'static str, rows: &'a [Row], (era, now): (Era, Time)) -> Self {
        Self {
            table,
            rows,
            era,
            now,
            names: Vec::new(),
            values: Vec::new(),
            columns: Vec::new(),
        }
    }

    pub(super) fn uuid(self, name: &'static str, value: impl Fn(&Row) -> Uuid) -> Self {
        let column = uuids(self.rows, value);
        self.add(name, format!("row.{name}"), column)
    }

    pub(super) fn text(self, name: &'static str, value: impl Fn(&'a Row) -> &'a str) -> Self {
        let column = texts(self.rows, value);
        self.add(name, format!("row.{name}"), column)
    }

    /// A text that is a value of another type.
    pub(super) fn word(
        self,
        name: &'static str,
        r#type: &str,
        value: impl Fn(&'a Row) -> &'a str,
    ) -> Self {
        let column = texts(self.rows, value);
        self.add(name, format!("row.{name}::{}", r#type), column)
    }

    pub(super) fn flag(self, name: &'static str, value: impl Fn(&Row) -> bool) -> Self {
        let column = flags(self.rows, value);
        self.add(name, format!("row.{name}"), column)
    }

    pub(super) fn time(self, name: &'static str, value: impl Fn(&Row) -> Option<Time>) -> Self {
        let column = ages(self.rows, self.now, value);
        let value = format!("now() - row.{name} * interval '1 second'");
        self.add(name, value, column)
    }

    /// A time that Coder writes as the year 1 where there is none.
    pub(super) fn time_or_never(
        self,
        name: &'static str,
        value: impl Fn(&Row) -> Option<Time>,
    ) -> Self {
        let column = ages(self.rows, self.now, value);
        let value =
            format!("coalesce(now() - row.{name} * interval '1 second', '0001-01-01 00:00:00+00')");
        self.add(name, value, column)
    }

    /// Any other value, of this array type.
    pub(super) fn any<Value>(
        self,
        name: &'static str,
        r#type: Type,
        value: impl Fn(&'a Row) -> Value,
    ) -> Self
    where
        Value: ToSql + Sync + Send + 'a,
    {
        let column = column(self.rows, r#type, value);
        self.add(name, format!("row.{name}"), column)
    }

    /// Columns that came with this era.
    pub(super) fn since(self, era: Era, add: impl FnOnce(Self) -> Self) -> Self {
        match self.era >= era {
            true => add(self),
            false => self,
        }
    }

    /// Columns that went with this era.
    pub(super) fn until(self, era: Era, add: impl FnOnce(Self) -> Self) -> Self {
        match self.era < era {
            true => add(self),
            false => self,
        }
    }

    pub(super) async fn run(self, to: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let names = self.names.join(", ");
        let values = self.values.join(", ");
        let parameters = (1..=self.names.len()).map(|number| format!("${number}"));
        let parameters: Vec<_> = parameters.collect();
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT {values} FROM unnest({}) AS row ({names}) \
             ON CONFLICT DO NOTHING",
            self.table,
            parameters.join(", ")
        );
        execute(to, &sql, &self.columns).await
    }

    fn add(mut self, name: &'static str, value: String, column: Column<'a>) -> Self {
        self.names.push(name);
        self.values.push(value);
        self.columns.push(column);
        self
    }
}
