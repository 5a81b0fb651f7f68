//! One row, from what the table holds to what events make of it.

use dragoman_core::chain;
use dragoman_translate::{FoldOutcome, FoldRow};

use super::super::evaluate::Folding;
use super::super::value::Value;
use super::cells::to_cell;
use super::json::as_kept;
use crate::{ColumnType, FoldRule, TableEffect};

/// A value for each column beside the key.
type Values = Vec<Option<Value>>;

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
    /// Folds an event into it.
    ///
    /// # Errors
    /// Why it cannot be; the row is as it was.
    pub(super) fn fold(
        &mut self,
        effect: &TableEffect,
        rule: &FoldRule,
        folding: &Folding<'_>,
    ) -> Result<(), String> {
        if let Some(reason) = &self.unreadable {
            return Err(reason.clone());
        }
        let names = effect.key_columns().map(|(name, _)| name);
        let key: FoldRow = names
            .zip(&folding.key)
            .map(|(name, value)| (name.to_owned(), to_cell(value)))
            .collect();
        let row = self.now.as_ref().map(|values| given(rule, values));
        let outcome = rule
            .program
            .run(&folding.view, &key, row.as_ref())
            .map_err(|error| chain(&error))?;
        self.now = match outcome {
            FoldOutcome::Delete => None,
            FoldOutcome::Row(row) => Some(taken(rule, row)?),
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

fn given(rule: &FoldRule, values: &Values) -> FoldRow {
    let columns = rule.columns.iter().zip(values);
    columns
        .filter_map(|(column, value)| Some((column.name.clone(), to_cell(value.as_ref()?))))
        .collect()
}

fn taken(rule: &FoldRule, mut row: FoldRow) -> Result<Values, String> {
    let columns = rule.columns.iter();
    columns
        .map(|column| {
            let Some(cell) = row.remove(&column.name) else {
                return Ok(None);
            };
            let value = Value::from_cell(cell, column.column_type)
                .map_err(|reason| format!("column {}: {reason}", column.name))?;
            Ok(value.map(|value| match (column.column_type, value) {
                (ColumnType::Json, Value::Json(text)) => Value::Json(as_kept(text)),
                (_, other) => other,
            }))
        })
        .collect()
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
