//! One statement that brings gathered rows into the table, without reading it.

use std::borrow::Cow;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};

use super::column_type::{cast, wire_type};
use super::gather::Gathered;
use super::names::{Place, quoted};
use super::value::Value;
use crate::{Column, ColumnType, Definition, Operator};

/// Writes gathered rows, in their order.
pub(super) async fn upsert(
    connection: &mut PgConnection,
    definition: &Definition,
    table: &Place,
    rows: &[Gathered<'_>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = sqlx::query(AssertSqlSafe(statement(definition, table)));
    for (index, column) in definition.key.iter().enumerate() {
        let values = rows.iter().map(|row| row.key.get(index));
        query = bind(query, column.column_type, values);
    }
    for (index, column) in definition.columns.iter().enumerate() {
        let values = rows
            .iter()
            .map(|row| row.columns.get(index)?.as_ref().map(Cow::as_ref));
        query = bind(query, column.column_type, values);
    }
    query.execute(connection).await.map(|_| ())
}

/// The statement for a definition. The arrays are in the order of its columns, those of
/// the key first.
fn statement(definition: &Definition, table: &Place) -> String {
    let columns = || {
        let key = definition.key.iter();
        key.map(|column| (column.name.as_str(), column.column_type))
            .chain(
                definition
                    .columns
                    .iter()
                    .map(|column| (column.name.as_str(), column.column_type)),
            )
            .enumerate()
    };
    let joined = |parts: &mut dyn Iterator<Item = String>| parts.collect::<Vec<_>>().join(", ");
    let names = joined(&mut columns().map(|(_, (name, _))| quoted(name)));
    let values = joined(&mut columns().map(|(n, (_, kind))| format!("v.c{n}{}", cast(kind))));
    let arrays =
        joined(&mut columns().map(|(n, (_, kind))| format!("${}::{}[]", n + 1, wire_type(kind))));
    let elements = joined(&mut columns().map(|(n, _)| format!("c{n}")));
    let key = joined(&mut definition.key.iter().map(|column| quoted(&column.name)));
    let sets = joined(&mut definition.columns.iter().map(set));
    let action = if definition.columns.is_empty() {
        "nothing".to_owned()
    } else {
        format!("update set {sets}")
    };
    format!(
        "insert into {table} as t ({names})
         select {values} from unnest({arrays}) with ordinality as v ({elements}, n) order by v.n
         on conflict ({key}) do {action}"
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

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Binds the values of one column as an array. A value is of the column's type, so the
/// other arms of each match never come up.
fn bind<'q>(
    query: Statement<'q>,
    column_type: ColumnType,
    values: impl Iterator<Item = Option<&'q Value>>,
) -> Statement<'q> {
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
