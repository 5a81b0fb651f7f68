//! One statement that brings gathered rows into the table, without reading it.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, PgConnection};

use super::arrays::{Bound, bind, bind_keys, joined, unnested};
use super::column_type::cast;
use super::gather::Gathered;
use crate::bookkeeping::place::{Place, quoted};
use crate::{Column, ColumnType, Operator, RowChange, TableEffect};

/// Writes gathered rows, in their order.
pub(super) async fn upsert(
    connection: &mut PgConnection,
    effect: &TableEffect,
    table: &Place,
    rows: &[Gathered<'_>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(AssertSqlSafe(statement(effect, table)));
    let query = bind_rows(query, effect, rows);
    query.execute(connection).await.map(|_| ())
}

/// Binds rows, an array for each of their columns, those of the key first.
pub(super) fn bind_rows<'q>(
    query: Bound<'q>,
    effect: &TableEffect,
    rows: &'q [Gathered<'_>],
) -> Bound<'q> {
    let mut query = bind_keys(query, effect, rows.iter().map(|row| row.key));
    for (index, (_, column_type)) in effect.columns().enumerate() {
        let values = rows
            .iter()
            .map(|row| row.columns.get(index)?.as_ref().map(Cow::as_ref));
        query = bind(query, column_type, values);
    }
    query
}

/// The statement for a definition. The arrays are in the order of its columns, those of
/// the key first.
fn statement(effect: &TableEffect, table: &Place) -> String {
    let columns = || effect.key_columns().chain(effect.columns());
    let names = joined(columns().map(|(name, _)| quoted(name)));
    let values = columns().enumerate();
    let values = joined(values.map(|(n, (_, kind))| format!("v.c{n}{}", cast(kind))));
    let key = joined(effect.key_columns().map(|(name, _)| quoted(name)));
    let sets = match &effect.change {
        RowChange::Operators(columns) => joined(columns.iter().map(set)),
        // What a fold has made of a row is all of it.
        RowChange::Fold(rule) => joined(rule.columns.iter().map(|column| {
            let name = quoted(&column.name);
            format!("{name} = excluded.{name}")
        })),
    };
    let action = if sets.is_empty() {
        "nothing".to_owned()
    } else {
        format!("update set {sets}")
    };
    format!(
        "insert into {table} as t ({names})
         select {values} from {} order by v.n
         on conflict ({key}) do {action}",
        unnested(columns().map(|(_, kind)| kind)),
    )
}

/// What becomes of a column whose row is there. A null that comes leaves it, and a null
/// that is there counts as nothing.
fn set(column: &Column) -> String {
    let name = quoted(&column.name);
    let (held, new) = (format!("t.{name}"), format!("excluded.{name}"));
    // Compared by bytes, as in memory, whatever the collation of the column.
    let collate = match column.column_type {
        ColumnType::Text => " collate \"C\"",
        _ => "",
    };
    let value = match column.operator {
        Operator::Add => format!("coalesce(coalesce({held}, 0) + {new}, {held})"),
        Operator::Min => format!("least({held}{collate}, {new}{collate})"),
        Operator::Max => format!("greatest({held}{collate}, {new}{collate})"),
        Operator::Set => format!("coalesce({new}, {held})"),
        Operator::First => format!("coalesce({held}, {new})"),
    };
    format!("{name} = {value}")
}
