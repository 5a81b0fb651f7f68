//! Reading the rows of a batch, with one query that locks them.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::super::arrays::{bind, unnested};
use super::super::value::Value;
use super::cells::from_text;
use super::held::HeldRow;
use super::{key_order, same_key};
use crate::bookkeeping::place::{Place, quoted};
use crate::{ColumnType, TableEffect};

/// The rows of keys, in the order of the keys; held until the end of the transaction.
pub(super) async fn rows(
    connection: &mut PgConnection,
    effect: &TableEffect,
    table: &Place,
    keys: &[&[Value]],
) -> Result<Vec<HeldRow>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement(effect, table)));
    for (index, (_, column_type)) in effect.key_columns().enumerate() {
        query = bind(query, column_type, keys.iter().map(|key| key.get(index)));
    }
    let found = query.fetch_all(connection).await?;
    let mut rows: Vec<HeldRow> = keys.iter().map(|_| HeldRow::default()).collect();
    for row in &found {
        let number: i64 = row.try_get(0)?;
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if let Some(held) = rows.get_mut(index) {
            *held = held_row(effect, row)?;
        }
    }
    Ok(rows)
}

fn statement(effect: &TableEffect, table: &Place) -> String {
    let columns = effect.columns();
    let columns: String = columns
        .map(|(name, kind)| format!(", {}", as_text(name, kind)))
        .collect();
    format!(
        "select v.n{columns} from {} join {table} as t on {} order by {} for update of t",
        unnested(effect.key_columns().map(|(_, kind)| kind)),
        same_key(effect),
        key_order(effect)
    )
}

/// A column as text that reads the same whatever the session prescribes, with every
/// digit.
fn as_text(name: &str, column_type: ColumnType) -> String {
    let name = quoted(name);
    match column_type {
        ColumnType::Timestamp | ColumnType::Date => format!("to_json(t.{name}) #>> '{{}}'"),
        _ => format!("t.{name}::text"),
    }
}

fn held_row(effect: &TableEffect, row: &PgRow) -> Result<HeldRow, sqlx::Error> {
    let mut values = Vec::with_capacity(row.len());
    for (index, (name, column_type)) in effect.columns().enumerate() {
        let Some(text) = row.try_get::<Option<String>, _>(index + 1)? else {
            values.push(None);
            continue;
        };
        match from_text(text, column_type) {
            Some(value) => values.push(Some(value)),
            None => {
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
    Ok(HeldRow {
        before: Some(values.clone()),
        now: Some(values),
        unreadable: None,
    })
}
