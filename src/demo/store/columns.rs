//! Converts rows to one array for each column, so that one statement inserts all of them.

use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::demo::fleet::Time;

/// An array parameter of a statement, with its Postgres type.
pub(super) struct Column<'a> {
    values: Box<dyn ToSql + Sync + Send + 'a>,
    r#type: Type,
    is_empty: bool,
}

/// Executes a statement with these columns as parameters, unless they are empty.
pub(super) async fn execute(
    to: &Transaction<'_>,
    sql: &str,
    columns: &[Column<'_>],
) -> Result<(), tokio_postgres::Error> {
    if columns.iter().any(|column| column.is_empty) {
        return Ok(());
    }
    let mut parameters = Vec::with_capacity(columns.len());
    for Column { values, r#type, .. } in columns {
        let values: &(dyn ToSql + Sync) = values.as_ref();
        parameters.push((values, r#type.clone()));
    }
    to.execute_typed(sql, &parameters).await.map(drop)
}

/// Creates a column with this array type.
pub(super) fn column<'a, Row, Value>(
    rows: &'a [Row],
    r#type: Type,
    value: impl Fn(&'a Row) -> Value,
) -> Column<'a>
where
    Value: ToSql + Sync + Send + 'a,
{
    Column {
        values: Box::new(rows.iter().map(value).collect::<Vec<Value>>()),
        r#type,
        is_empty: rows.is_empty(),
    }
}

pub(super) fn ids(rows: &[Uuid]) -> Column<'_> {
    uuids(rows, |id| *id)
}

pub(super) fn uuids<Row>(rows: &[Row], value: impl Fn(&Row) -> Uuid) -> Column<'_> {
    column(rows, Type::UUID_ARRAY, value)
}

pub(super) fn texts<'a, Row>(rows: &'a [Row], value: impl Fn(&'a Row) -> &'a str) -> Column<'a> {
    column(rows, Type::TEXT_ARRAY, value)
}

pub(super) fn flags<Row>(rows: &[Row], value: impl Fn(&Row) -> bool) -> Column<'_> {
    column(rows, Type::BOOL_ARRAY, value)
}

/// Seconds before `now` of each time; null where there is none.
pub(super) fn ages<Row>(
    rows: &[Row],
    now: Time,
    value: impl Fn(&Row) -> Option<Time>,
) -> Column<'_> {
    column(rows, Type::INT8_ARRAY, |row| value(row).map(|at| now - at))
}
