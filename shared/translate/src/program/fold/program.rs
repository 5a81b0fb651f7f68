//! Programs that make of a row and an event what the row becomes.

use std::collections::BTreeSet;

use vrl::value::{Kind, ObjectMap, Value};

use super::super::compile::{Program, compile_marked, parse};
use super::super::deep_stack::with_deep_stack;
use super::super::known_kinds::kinds_in;
use super::super::part::shortened;
use super::super::row_path::{column_path, columns_are};
use super::super::stand_in::{Copied, Copies};
use super::super::view::EventInput;
use super::check::{check_end, check_written};
use super::columns::{ColumnKind, FoldColumn, scope_of};
use super::copies::mark;
use super::kinds::Changes;
use super::row::{FoldOutcome, FoldRow, Given, is_same_key};
use crate::{Cell, CompileError, EvaluateError, EventScope, EventView, Kinds};

const ROW: &str = "a row is an object with columns, or null to delete it";

/// A program that makes of a row and an event what the row becomes.
///
/// It sees the event at the root, and `.row`: null at first, else an object with the
/// columns, those of the key included. What `.row` is at its end is written; null
/// deletes the row. Nothing else can be changed.
///
/// A column at which it does not look keeps its digits, and takes those that are
/// copied into it by a bare path (`.row.total = .data.total`, or `.row = { "total":
/// .data.total }`, in branches too). A column at which it looks must hold what a
/// program can hold exactly; when it is not changed then, it still keeps its digits.
/// To see whether there is something (`.row == null`, `exists(.row.total)`) is not to
/// look at it; to take `.row` as a whole is to look at all columns.
///
/// A column may be null, and so may be the row: compute with a default, as in
/// `(int(.row.count) ?? 0) + 1` and `(float(.row.total) ?? 0.0) + .data.total`.
#[derive(Debug)]
pub struct Fold {
    program: Program,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: ColumnKind,
    key: bool,
    /// Whether the program does not look at it.
    unseen: bool,
    /// What the program may leave in it.
    kinds: Kinds,
}

impl Fold {
    /// Compiles it; `name` is its file, and `columns` are all that its rows have.
    ///
    /// # Errors
    /// Everything that is wrong with it; also what types tell: that it names no column
    /// of the row, that it never changes the row, or that it leaves no row.
    pub fn compile(
        name: &str,
        source: &str,
        scope: &EventScope,
        columns: &[FoldColumn],
    ) -> Result<Self, CompileError> {
        let scope = scope_of(name, source, scope, columns)?;
        let names: BTreeSet<String> = columns.iter().map(|it| it.name.clone()).collect();
        with_deep_stack(name, source, || {
            let ast = parse(name, source, &scope)?.ast;
            let changes = Changes::of(&ast);
            let fold = mark(&ast, scope.copied_from(), names.clone());
            check_written(name, source, &fold, &names)?;
            let program = compile_marked(name, source, ast, fold.marked, &scope)?;
            check_end(&program, &changes, &names)?;
            let columns = columns.iter().map(|column| Column {
                name: column.name.clone(),
                kind: column.kind,
                key: column.key,
                unseen: fold.unseen.contains(&column.name),
                kinds: match changes.kinds_of(&column.name, &program.root) {
                    kinds if column.key => kinds.without(Kinds::NULL),
                    kinds => kinds,
                },
            });
            Ok(Self {
                columns: columns.collect(),
                program,
            })
        })
    }

    /// What it may leave in a column, as far as types tell.
    #[must_use]
    pub fn kinds_of(&self, column: &str) -> Kinds {
        self.columns
            .iter()
            .find(|it| it.name == column)
            .map_or(Kinds::NEVER, |column| column.kinds)
    }

    /// What an event makes of a row: `key` is what the columns of the key hold, and
    /// `row` what the others do, if there is a row (what it says of the key is not looked
    /// at). The outcome of one run can be given to the next.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, the event does not fit
    /// its schema or the row its columns, or what it leaves is no row, or one of
    /// another key.
    pub fn run(
        &self,
        view: &EventView<'_>,
        key: &FoldRow,
        row: Option<&FoldRow>,
    ) -> Result<FoldOutcome, EvaluateError> {
        let input = EventInput { view, item: None };
        let before: Option<Vec<&Cell>> = row.map(|row| {
            let cells = self.columns.iter().map(|column| {
                let of = if column.key { key } else { row };
                of.get(&column.name).unwrap_or(&Cell::Null)
            });
            cells.collect()
        });
        let given = before
            .as_deref()
            .map(|cells| self.given(cells))
            .transpose()?;
        let value = given.clone().map_or(Value::Null, Value::Object);
        let mut outcome = self
            .program
            .run_on_row(&input, value)
            .map_err(|stopped| EvaluateError::new(&self.program.name, stopped))?;
        let cells = before.iter().flatten();
        let kept = cells.map(|cell| Some(Copied::Cell(cell)));
        outcome.copies.extend(kept);

        let members = match outcome.value {
            Value::Null => return Ok(FoldOutcome::Delete),
            Value::Object(members) => members,
            other => {
                let found = kinds_in(&Kind::from(&other));
                return Err(self.unusable(format!("{found} as `.row`"), ROW));
            }
        };
        let was = |number: usize| {
            let value = given.as_ref()?.get(self.columns[number].name.as_str())?;
            Some((value, *before.as_ref()?.get(number)?))
        };
        self.row(members, &outcome.copies, key, was)
            .map(FoldOutcome::Row)
    }

    fn given(&self, cells: &[&Cell]) -> Result<ObjectMap, EvaluateError> {
        let columns = self.columns.iter().zip(cells).enumerate();
        columns
            .map(|(number, (column, cell))| {
                let given = Given {
                    program: &self.program.name,
                    name: &column.name,
                    kind: column.kind,
                    key: column.key,
                    stand_in: column.unseen.then_some(self.program.copies.len() + number),
                };
                Ok((column.name.as_str().into(), given.value(cell)?))
            })
            .collect()
    }

    /// The row that the program has left. `was`: what it was given for a column, and
    /// what the column held.
    fn row<'c>(
        &self,
        mut members: ObjectMap,
        copies: &Copies<'_>,
        key: &FoldRow,
        was: impl Fn(usize) -> Option<(&'c Value, &'c Cell)>,
    ) -> Result<FoldRow, EvaluateError> {
        let mut row = FoldRow::new();
        for (number, column) in self.columns.iter().enumerate() {
            let value = members.remove(column.name.as_str());
            let cell = match (value, was(number)) {
                // What is as it was keeps its digits, even if it was read as a float.
                (Some(value), Some((given, held))) if value == *given => held.clone(),
                (Some(value), _) => Cell::computed(value, copies).map_err(|yielded| {
                    let path = column_path(&column.name);
                    self.unusable(format!("{yielded} as `.{path}`"), "no column can hold that")
                })?,
                (None, _) if column.key => key.get(&column.name).cloned().unwrap_or(Cell::Null),
                (None, _) => Cell::Null,
            };
            if column.key {
                let is = key.get(&column.name).unwrap_or(&Cell::Null);
                if !is_same_key(&cell, is) {
                    let path = column_path(&column.name);
                    return Err(self.unusable(
                        format!("another `.{path}` than the row has"),
                        "the key of a row cannot be changed: leave it out",
                    ));
                }
                row.insert(column.name.clone(), is.clone());
            } else {
                row.insert(column.name.clone(), cell);
            }
        }
        match members.keys().next() {
            None => Ok(row),
            Some(name) => {
                let yielded = format!("a row with `{}`, which is no column", shortened(name));
                let names = self.columns.iter().map(|column| &column.name);
                Err(self.unusable(yielded, &columns_are(names)))
            }
        }
    }

    fn unusable(&self, yielded: String, help: &str) -> EvaluateError {
        EvaluateError::unusable(&self.program.name, yielded, help)
    }
}
