//! One row, from what the table holds to what events make of it.

use std::iter;

use dragoman_core::chain;
use dragoman_translate::{Cell, EventView, FoldInput, FoldOutcome, Item};

use super::super::value::Value;
use super::cells::to_cell;
use super::json::as_kept;
use crate::{ColumnType, FoldRule, FoldedColumn};

/// A value for each column beside the key.
pub(super) type Values = Vec<Option<Value>>;

/// A row while events are folded into it.
#[derive(Debug, Default)]
pub(super) struct HeldRow {
    /// As the table has it, if it has it.
    pub(super) before: Option<Values>,
    /// As it is to be, if it is to be.
    pub(super) now: Option<Values>,
    /// Why it cannot be read, if somebody else has written into it.
    pub(super) unreadable: Option<String>,
}

impl HeldRow {
    /// Folds an event into it, or an element of it.
    ///
    /// # Errors
    /// Why it cannot be; the row is as it was.
    pub(super) fn fold(
        &mut self,
        rule: &FoldRule,
        key: &[Value],
        view: &EventView<'_>,
        item: Option<&Item<'_>>,
    ) -> Result<(), String> {
        if let Some(reason) = &self.unreadable {
            return Err(reason.clone());
        }
        let key: Vec<Cell> = key.iter().map(to_cell).collect();
        let row = self.now.as_deref().map(cells);
        let input = FoldInput {
            view,
            item,
            key: &key,
            row: row.as_deref(),
        };
        let outcome = rule.program.run(input).map_err(|error| chain(&error))?;
        self.now = match outcome {
            FoldOutcome::Delete => None,
            FoldOutcome::Row(left) => {
                let columns = rule.columns.iter().zip(left);
                // All of them first: one that its column does not take leaves the row.
                let left: Vec<_> = columns
                    .map(|(column, cell)| cell.map(|cell| taken(column, cell)).transpose())
                    .collect::<Result<_, _>>()?;
                let held = self.now.take().into_iter().flatten();
                let held = held.chain(iter::repeat_with(|| None));
                let both = left.into_iter().zip(held);
                Some(both.map(|(left, held)| left.unwrap_or(held)).collect())
            }
        };
        Ok(())
    }

    /// Whether the table is to hold something else than it does.
    pub(super) fn is_changed(&self) -> bool {
        match (&self.before, &self.now) {
            (Some(before), Some(now)) => {
                let mut columns = before.iter().zip(now);
                columns.any(|(before, now)| !is_same(before.as_ref(), now.as_ref()))
            }
            (before, now) => before.is_some() != now.is_some(),
        }
    }
}

fn cells(values: &[Option<Value>]) -> Vec<Cell> {
    let values = values.iter();
    values
        .map(|value| value.as_ref().map_or(Cell::Null, to_cell))
        .collect()
}

/// What a column holds then.
fn taken(column: &FoldedColumn, cell: Cell) -> Result<Option<Value>, String> {
    let value = Value::from_cell(cell, column.column_type)
        .map_err(|reason| format!("column {}: {reason}", column.name))?;
    Ok(value.map(|value| match (column.column_type, value) {
        (ColumnType::Json, Value::Json(text)) => Value::Json(as_kept(text)),
        (_, other) => other,
    }))
}

/// Whether two values are written the same: 1.0 and 1.00 are not.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Numeric(one)), Some(Value::Numeric(other))) => {
            one == other && one.fractional_digit_count() == other.fractional_digit_count()
        }
        (one, other) => one == other,
    }
}
