//! The rows of a batch, gathered per key: what one upsert writes.

use std::borrow::Cow;
use std::collections::HashMap;

use super::evaluate::Row;
use super::value::{Double, Value};
use crate::{Column, ColumnType, Operator};

/// What a batch does to one row of the table.
#[derive(Debug)]
pub(super) struct Gathered<'r> {
    pub(super) key: &'r [Value],
    pub(super) columns: Vec<Option<Cow<'r, Value>>>,
}

/// Values that cannot be brought together in memory: their sum leaves the column's
/// type, or only the database knows which of them is the larger. Fewer events at once
/// may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ungatherable(pub(super) String);

/// Gathers rows that come in the order of their positions. What comes out is sorted by
/// key: two batches that write the same rows lock them in the same order.
pub(super) fn gather<'r>(
    operated: &[Column],
    rows: impl IntoIterator<Item = &'r Row>,
) -> Result<Vec<Gathered<'r>>, Ungatherable> {
    let mut by_key: HashMap<&[Value], Vec<Option<Cow<'r, Value>>>> = HashMap::new();
    for row in rows {
        let gathered = by_key
            .entry(&row.key)
            .or_insert_with(|| vec![None; operated.len()]);
        let columns = operated.iter().zip(&row.columns);
        for ((column, new), held) in columns.zip(gathered) {
            let Some(new) = new else { continue };
            *held = Some(match held.take() {
                Some(held) => brought_together(column, held, new)?,
                None => Cow::Borrowed(new),
            });
        }
    }
    let mut gathered: Vec<_> = by_key
        .into_iter()
        .map(|(key, columns)| Gathered { key, columns })
        .collect();
    gathered.sort_unstable_by_key(|row| row.key);
    Ok(gathered)
}

fn brought_together<'r>(
    column: &Column,
    held: Cow<'r, Value>,
    new: &'r Value,
) -> Result<Cow<'r, Value>, Ungatherable> {
    let keeps_new = match column.operator {
        Operator::Add => return sum(column, &held, new).map(Cow::Owned),
        Operator::Set => true,
        Operator::First => false,
        Operator::Min | Operator::Max if column.column_type == ColumnType::Json => {
            return Err(Ungatherable(format!(
                "column {}: several values of type jsonb are compared by the database alone",
                column.name
            )));
        }
        Operator::Min => new < held.as_ref(),
        Operator::Max => new > held.as_ref(),
    };
    Ok(if keeps_new { Cow::Borrowed(new) } else { held })
}

fn sum(column: &Column, held: &Value, new: &Value) -> Result<Value, Ungatherable> {
    let sum = match (held, new) {
        (Value::Numeric(held), Value::Numeric(new)) => Some(Value::Numeric(held + new)),
        (Value::Integer(held), Value::Integer(new)) => held
            .checked_add(*new)
            .filter(|sum| column.column_type != ColumnType::Integer || i32::try_from(*sum).is_ok())
            .map(Value::Integer),
        (Value::Double(held), Value::Double(new)) => {
            Double::new(held.get() + new.get()).map(Value::Double)
        }
        _ => None,
    };
    sum.ok_or_else(|| {
        Ungatherable(format!(
            "column {}: the sum is out of the range of its type",
            column.name
        ))
    })
}
