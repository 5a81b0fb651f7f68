//! Running a fold on rows.

use vrl::value::{Kind, ObjectMap, Value};

use super::super::known_kinds::kinds_in;
use super::super::part::shortened;
use super::super::row_path::{column_path, columns_are};
use super::super::stand_in::{Copied, Copies};
use super::super::view::EventInput;
use super::program::{Column, Fold};
use super::row::{FoldInput, FoldOutcome, Given, is_same_key};
use crate::{Cell, EvaluateError};

const ROW: &str = "a row is an object with columns, or null to delete it";

/// A fold that runs on one row after the other; no run depends on another.
#[derive(Debug)]
pub struct FoldRunner<'f> {
    fold: &'f Fold,
    /// The row of the last run, of which only the names of its columns count: they need not
    /// be made for each run.
    members: ObjectMap,
    /// What each column was given to hold.
    given: Vec<Value>,
}

impl<'f> FoldRunner<'f> {
    pub(super) fn new(fold: &'f Fold) -> Self {
        Self {
            fold,
            members: ObjectMap::new(),
            given: Vec::with_capacity(fold.columns.len()),
        }
    }

    /// What an event makes of a row. The outcome of one run can be given to the next.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, the event does not fit
    /// its schema or the row its columns, or what it leaves is no row, or one of
    /// another key.
    pub fn run(&mut self, input: FoldInput<'_>) -> Result<FoldOutcome, EvaluateError> {
        let Fold { program, columns } = self.fold;
        let event = EventInput {
            view: input.view,
            item: input.item,
        };
        let row = self.give(input)?;
        let mut outcome = program
            .run_on_row(&event, row)
            .map_err(|stopped| EvaluateError::new(&program.name, stopped))?;
        let held = columns.iter().map(|column| column.held(input));
        let held = held.map(|cell| Some(Copied::Cell(cell)));
        outcome.copies.extend(held);
        match outcome.value {
            Value::Null => Ok(FoldOutcome::Delete),
            Value::Object(members) => self
                .left(members, &outcome.copies, input)
                .map(FoldOutcome::Row),
            other => {
                let found = kinds_in(&Kind::from(&other));
                Err(self.unusable(format!("{found} as `.row`"), ROW))
            }
        }
    }

    /// What the program finds as the row.
    fn give(&mut self, input: FoldInput<'_>) -> Result<Value, EvaluateError> {
        self.given.clear();
        if input.row.is_none() {
            return Ok(Value::Null);
        }
        let Fold { program, columns } = self.fold;
        let mut members = std::mem::take(&mut self.members);
        for (number, column) in columns.iter().enumerate() {
            let given = Given {
                program: &program.name,
                name: &column.name,
                kind: column.kind,
                key: column.key,
                stand_in: column.unseen.then_some(program.copies.len() + number),
            };
            let value = given.value(column.held(input))?;
            match members.get_mut(column.name.as_str()) {
                Some(member) => *member = value.clone(),
                None => _ = members.insert(column.name.as_str().into(), value.clone()),
            }
            self.given.push(value);
        }
        Ok(Value::Object(members))
    }

    /// What the program has left in the columns beside the key.
    fn left(
        &mut self,
        mut members: ObjectMap,
        copies: &Copies<'_>,
        input: FoldInput<'_>,
    ) -> Result<Vec<Option<Cell>>, EvaluateError> {
        let columns = &self.fold.columns;
        let mut row = Vec::with_capacity(columns.len());
        let mut known = 0;
        for (number, column) in columns.iter().enumerate() {
            let left = members.get_mut(column.name.as_str());
            known += usize::from(left.is_some());
            let left = left.map(|member| std::mem::replace(member, Value::Null));
            let cell = match (left, self.given.get(number)) {
                // What is as it was keeps its digits, even if it was read as a float.
                (Some(value), Some(given)) if value == *given => None,
                (Some(value), _) => Some(self.computed(column, value, copies)?),
                (None, _) => (!column.key).then_some(Cell::Null),
            };
            if !column.key {
                row.push(cell);
            } else if cell.is_some_and(|cell| !is_same_key(&cell, column.held(input))) {
                let path = column_path(&column.name);
                return Err(self.unusable(
                    format!("another `.{path}` than the row has"),
                    "the key of a row cannot be changed: leave it out",
                ));
            }
        }
        if known < members.len() {
            return Err(self.unknown_column(&members));
        }
        self.members = members;
        Ok(row)
    }

    fn unknown_column(&self, members: &ObjectMap) -> EvaluateError {
        let names = || self.fold.columns.iter().map(|column| &column.name);
        let unknown = members
            .keys()
            .find(|name| names().all(|it| it != name.as_str()));
        let name = shortened(unknown.map_or("", |name| name.as_str()));
        let yielded = format!("a row with `{name}`, which is no column");
        self.unusable(yielded, &columns_are(names()))
    }

    fn computed(
        &self,
        column: &Column,
        value: Value,
        copies: &Copies<'_>,
    ) -> Result<Cell, EvaluateError> {
        Cell::computed(value, copies).map_err(|yielded| {
            let path = column_path(&column.name);
            self.unusable(format!("{yielded} as `.{path}`"), "no column can hold that")
        })
    }

    fn unusable(&self, yielded: String, help: &str) -> EvaluateError {
        EvaluateError::unusable(&self.fold.program.name, yielded, help)
    }
}
