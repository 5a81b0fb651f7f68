//! Reading the rows of a batch, with one query that locks them.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use thiserror::Error;

use super::super::arrays::{array_of, bind_keys, joined, unnested};
use super::super::column_type::wire_type;
use super::super::value::{Double, Value};
use super::cells::{date, numeric, timestamp};
use super::held::HeldRow;
use super::write::same_key;
use crate::bookkeeping::place::{Place, quoted};
use crate::{ColumnType, TableEffect};

/// A row that the table has.
pub(super) struct FoundRow {
    pub(super) key: Vec<Value>,
    pub(super) row: HeldRow,
}

/// The table holds two keys for the same that are not.
#[derive(Debug, Error)]
#[error(
    "the table finds a row by a key that is not the row's: let the columns of its primary key have a deterministic collation"
)]
pub(super) struct AnotherKey;

impl From<AnotherKey> for sqlx::Error {
    fn from(error: AnotherKey) -> Self {
        Self::Decode(error.into())
    }
}

/// The rows that the table has of these keys; held until the end of the transaction.
pub(super) async fn rows(
    connection: &mut PgConnection,
    effect: &TableEffect,
    table: &Place,
    keys: &[&[Value]],
) -> Result<Vec<FoundRow>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(statement(effect, table)));
    let query = bind_keys(query, effect, keys.iter().copied());
    let found = query.fetch_all(connection).await?;
    found.iter().map(|row| found_row(effect, row)).collect()
}

fn statement(effect: &TableEffect, table: &Place) -> String {
    let columns = effect.key_columns().chain(effect.columns());
    let columns = joined(columns.map(|(name, kind)| as_read(name, kind)));
    let key = || effect.key_columns();
    // To lock the rows in order.
    let order = joined(key().map(|(name, _)| format!("t.{}", quoted(name))));
    let of_keys = match key().collect::<Vec<_>>().as_slice() {
        // A quarter less for the database than the join.
        [(name, kind)] => format!(
            "{table} as t where t.{} = any ({})",
            quoted(name),
            array_of(1, *kind)
        ),
        _ => format!(
            "{} join {table} as t on {}",
            unnested(key().map(|(_, kind)| kind)),
            same_key(effect)
        ),
    };
    format!("select {columns} from {of_keys} order by {order} for update of t")
}

/// A column as it travels: in the driver's binary form, or as text that reads the same
/// whatever the session prescribes, with every digit.
fn as_read(name: &str, column_type: ColumnType) -> String {
    let name = quoted(name);
    match column_type {
        // The driver's own form bears no infinity.
        ColumnType::Timestamp | ColumnType::Date => format!("to_json(t.{name}) #>> '{{}}'"),
        other => format!("t.{name}::{}", wire_type(other)),
    }
}

fn found_row(effect: &TableEffect, row: &PgRow) -> Result<FoundRow, sqlx::Error> {
    let mut key = Vec::with_capacity(effect.key.len());
    for (index, (_, column_type)) in effect.key_columns().enumerate() {
        match read(row, index, column_type)? {
            Found::Value(value) => key.push(value),
            Found::Null | Found::Alien => return Err(AnotherKey.into()),
        }
    }
    let first = key.len();
    let row = held_row(effect, row, first)?;
    Ok(FoundRow { key, row })
}

/// What stands in the columns from `first` on.
fn held_row(effect: &TableEffect, row: &PgRow, first: usize) -> Result<HeldRow, sqlx::Error> {
    let mut values = Vec::with_capacity(row.len());
    for (index, (name, column_type)) in effect.columns().enumerate() {
        match read(row, first + index, column_type)? {
            Found::Null => values.push(None),
            Found::Value(value) => values.push(Some(value)),
            Found::Alien => {
                let reason = format!(
                    "column {name}: the row holds what no projection writes into a column of type {column_type}"
                );
                return Ok(HeldRow {
                    unreadable: Some(reason),
                    ..HeldRow::default()
                });
            }
        }
    }
    Ok(HeldRow::read(values))
}

/// What a column holds.
enum Found {
    Null,
    Value(Value),
    /// What no projection would have written (`infinity`, a date before Christ).
    Alien,
}

impl Found {
    fn of<T>(found: Option<T>, value: impl FnOnce(T) -> Option<Value>) -> Self {
        match found.map(value) {
            None => Self::Null,
            Some(None) => Self::Alien,
            Some(Some(value)) => Self::Value(value),
        }
    }
}

fn read(row: &PgRow, index: usize, column_type: ColumnType) -> Result<Found, sqlx::Error> {
    Ok(match column_type {
        ColumnType::Bigint => Found::of(row.try_get(index)?, |it| Some(Value::Integer(it))),
        ColumnType::Integer => Found::of(row.try_get(index)?, |it: i32| {
            Some(Value::Integer(it.into()))
        }),
        ColumnType::Double => {
            Found::of(row.try_get(index)?, |it| Double::new(it).map(Value::Double))
        }
        ColumnType::Boolean => Found::of(row.try_get(index)?, |it| Some(Value::Boolean(it))),
        ColumnType::Uuid => Found::of(row.try_get(index)?, |it| Some(Value::Uuid(it))),
        ColumnType::Text => Found::of(row.try_get(index)?, |it| Some(Value::Text(it))),
        ColumnType::Json => Found::of(row.try_get(index)?, |it| Some(Value::Json(it))),
        ColumnType::Numeric { .. } => Found::of(row.try_get(index)?, numeric),
        ColumnType::Timestamp => Found::of(row.try_get(index)?, timestamp),
        ColumnType::Date => Found::of(row.try_get(index)?, date),
    })
}
