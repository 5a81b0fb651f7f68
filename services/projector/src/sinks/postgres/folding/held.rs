//! One row, from what the table holds to what events make of it.

use dragoman_core::chain;
use dragoman_translate::{Cell, EventView, FoldInput, FoldOutcome, FoldRunner, Item};

use super::super::value::Value;
use super::cache::Version;
use super::cells::to_cell;
use super::json::as_kept;
use crate::{ColumnType, FoldedColumn};

/// A value for each column beside the key.
pub(super) type Values = Vec<Option<Value>>;

/// A row while events are folded into it.
#[derive(Debug, Default)]
pub(super) struct HeldRow {
    /// Whether the table has it.
    pub(super) there: bool,
    /// As it is to be, if it is to be.
    pub(super) now: Option<Values>,
    /// Whether that is something else than it was, or was in between.
    pub(super) changed: bool,
    /// Why it cannot be read, if somebody else has written into it.
    pub(super) unreadable: Option<String>,
    /// If it was not read but is known from an earlier step: its version then, which the
    /// table may not have any more.
    pub(super) cached: Option<Version>,
    /// The step that touched it last.
    pub(super) touched: u64,
    /// What it took when it was kept, in bytes.
    pub(super) size: usize,
}

impl HeldRow {
    /// One that the table has.
    pub(super) fn read(values: Values) -> Self {
        Self {
            there: true,
            now: Some(values),
            ..Self::default()
        }
    }

    /// Takes over what was read of it.
    pub(super) fn become_known(&mut self, read: Self) {
        *self = Self {
            touched: self.touched,
            size: self.size,
            ..read
        };
    }

    /// Is left to the next step as it is now; `written` is the version of what this one
    /// wrote. False if the next one may not know it: it is not there, or was not written and
    /// its version not known before.
    pub(super) fn leave(&mut self, written: Version) -> bool {
        if self.is_changed() {
            self.cached = Some(written);
        }
        self.there = self.now.is_some();
        self.changed = false;
        self.there && self.cached.is_some()
    }

    /// Folds an event into it, or an element of it.
    ///
    /// # Errors
    /// Why it cannot be; the row is as it was.
    pub(super) fn fold(
        &mut self,
        columns: &[FoldedColumn],
        runner: &mut FoldRunner<'_>,
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
        let outcome = runner.run(input).map_err(|error| chain(&error))?;
        match outcome {
            FoldOutcome::Delete => {
                self.changed |= self.now.is_some();
                self.now = None;
            }
            FoldOutcome::Row(left) => {
                let columns = columns.iter().zip(left);
                // All of them first: one that its column does not take leaves the row.
                let left: Vec<_> = columns
                    .map(|(column, cell)| cell.map(|cell| taken(column, cell)).transpose())
                    .collect::<Result<_, _>>()?;
                self.take(left);
            }
        }
        Ok(())
    }

    /// Takes what a program left in each column; `None`: what it held.
    fn take(&mut self, left: Vec<Option<Option<Value>>>) {
        self.changed |= self.now.is_none();
        let mut held = self.now.take().unwrap_or_default().into_iter();
        let mut now = Vec::with_capacity(left.len());
        for left in left {
            let held = held.next().flatten();
            now.push(match left {
                None => held,
                Some(left) => {
                    self.changed |= !is_same(held.as_ref(), left.as_ref());
                    left
                }
            });
        }
        self.now = Some(now);
    }

    /// Whether the table is to hold something else than it does.
    pub(super) fn is_changed(&self) -> bool {
        match (self.there, &self.now) {
            (true, Some(_)) => self.changed,
            (there, now) => there != now.is_some(),
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
