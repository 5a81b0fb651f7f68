//! Values of many rows in one statement: an array for each column.

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

use super::column_type::{cast, wire_type};
use super::value::Value;
use crate::{ColumnType, TableEffect};

/// Parts of a statement, with commas between them.
pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The arrays `$1`, `$2` and so on as rows: `v`, with the columns `c0`, `c1` and so on,
/// as values of these types travel, and `n`, their number from 1.
pub(super) fn unnested(types: impl Iterator<Item = ColumnType>) -> String {
    rows_of(types.enumerate().map(column).collect())
}

/// As [`unnested`], with one more column, of type `integer`.
pub(super) fn unnested_with(types: impl Iterator<Item = ColumnType>, name: &str) -> String {
    let mut columns: Vec<_> = types.enumerate().map(column).collect();
    columns.push((
        format!("${}::integer[]", columns.len() + 1),
        name.to_owned(),
    ));
    rows_of(columns)
}

fn column((n, kind): (usize, ColumnType)) -> (String, String) {
    (travelled(n + 1, kind), format!("c{n}"))
}

fn rows_of(columns: Vec<(String, String)>) -> String {
    let (arrays, names): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    format!(
        "unnest({}) with ordinality as v ({}, n)",
        arrays.join(", "),
        names.join(", ")
    )
}

/// The array `$number` as values of a column.
pub(super) fn array_of(number: usize, column_type: ColumnType) -> String {
    let array = travelled(number, column_type);
    match cast(column_type) {
        "" => array,
        cast => format!("{array}{cast}[]"),
    }
}

fn travelled(number: usize, column_type: ColumnType) -> String {
    format!("${number}::{}[]", wire_type(column_type))
}

/// Binds keys of rows, an array for each of their columns.
pub(super) fn bind_keys<'q>(
    mut query: Bound<'q>,
    effect: &TableEffect,
    keys: impl Iterator<Item = &'q [Value]> + Clone,
) -> Bound<'q> {
    for (index, (_, column_type)) in effect.key_columns().enumerate() {
        query = bind(query, column_type, keys.clone().map(|key| key.get(index)));
    }
    query
}

pub(super) type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// Binds the values of one column as an array. A value is of the column's type, so the
/// other arms of each match never come up.
pub(super) fn bind<'q>(
    query: Bound<'q>,
    column_type: ColumnType,
    values: impl Iterator<Item = Option<&'q Value>>,
) -> Bound<'q> {
    macro_rules! array {
        ($pattern:pat => $element:expr) => {
            query.bind(
                values
                    .map(|value| match value {
                        Some($pattern) => Some($element),
                        _ => None,
                    })
                    .collect::<Vec<_>>(),
            )
        };
    }
    match column_type {
        ColumnType::Text => array!(Value::Text(text) => text.as_str()),
        ColumnType::Json => array!(Value::Json(text) => text.as_str()),
        ColumnType::Numeric { .. } => array!(Value::Numeric(number) => number.to_string()),
        ColumnType::Bigint => array!(Value::Integer(number) => *number),
        ColumnType::Integer => query.bind(
            values
                .map(|value| match value {
                    Some(Value::Integer(number)) => i32::try_from(*number).ok(),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        ),
        ColumnType::Double => array!(Value::Double(number) => number.get()),
        ColumnType::Boolean => array!(Value::Boolean(boolean) => *boolean),
        ColumnType::Timestamp => array!(Value::Timestamp(time) => *time),
        ColumnType::Date => array!(Value::Date(date) => *date),
        ColumnType::Uuid => array!(Value::Uuid(uuid) => *uuid),
    }
}
