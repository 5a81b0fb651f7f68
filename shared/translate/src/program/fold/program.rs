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
use super::row::{FoldInput, FoldOutcome, Given, is_same_key};
use crate::{Cell, CompileError, EvaluateError, EventScope, Kinds};

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
    /// Which it is of the columns of the key, or of the others.
    place: usize,
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
            let columns = columns.iter().enumerate().map(|(number, column)| Column {
                name: column.name.clone(),
                kind: column.kind,
                key: column.key,
                place: place_of(columns, number),
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

    /// What an event makes of a row. The outcome of one run can be given to the next.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, the event does not fit
    /// its schema or the row its columns, or what it leaves is no row, or one of
    /// another key.
    pub fn run(&self, input: FoldInput<'_>) -> Result<FoldOutcome, EvaluateError> {
        let event = EventInput {
            view: input.view,
            item: input.item,
        };
        let given = input.row.map(|_| self.given(input)).transpose()?;
        let row = given.as_deref().map_or(Value::Null, |it| self.members(it));
        let mut outcome = self
            .program
            .run_on_row(&event, row)
            .map_err(|stopped| EvaluateError::new(&self.program.name, stopped))?;
        let held = self.columns.iter().map(|column| column.held(input));
        let held = held.map(|cell| Some(Copied::Cell(cell)));
        outcome.copies.extend(held);
        match outcome.value {
            Value::Null => Ok(FoldOutcome::Delete),
            Value::Object(members) => self
                .left(members, &outcome.copies, input, &given.unwrap_or_default())
                .map(FoldOutcome::Row),
            other => {
                let found = kinds_in(&Kind::from(&other));
                Err(self.unusable(format!("{found} as `.row`"), ROW))
            }
        }
    }

    /// What the program finds in each column.
    fn given(&self, input: FoldInput<'_>) -> Result<Vec<Value>, EvaluateError> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(number, column)| {
                let given = Given {
                    program: &self.program.name,
                    name: &column.name,
                    kind: column.kind,
                    key: column.key,
                    stand_in: column.unseen.then_some(self.program.copies.len() + number),
                };
                given.value(column.held(input))
            })
            .collect()
    }

    fn members(&self, given: &[Value]) -> Value {
        let mut members = ObjectMap::new();
        for (column, value) in self.columns.iter().zip(given) {
            members.insert(column.name.as_str().into(), value.clone());
        }
        Value::Object(members)
    }

    /// What the program has left in the columns beside the key. `given`: what it was
    /// given, if there was a row.
    fn left(
        &self,
        mut members: ObjectMap,
        copies: &Copies<'_>,
        input: FoldInput<'_>,
        given: &[Value],
    ) -> Result<Vec<Option<Cell>>, EvaluateError> {
        let mut row = Vec::with_capacity(self.columns.len());
        for (number, column) in self.columns.iter().enumerate() {
            let cell = match (members.remove(column.name.as_str()), given.get(number)) {
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
        match members.keys().next() {
            None => Ok(row),
            Some(name) => {
                let yielded = format!("a row with `{}`, which is no column", shortened(name));
                let names = self.columns.iter().map(|column| &column.name);
                Err(self.unusable(yielded, &columns_are(names)))
            }
        }
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
        EvaluateError::unusable(&self.program.name, yielded, help)
    }
}

impl Column {
    /// What it holds before the program runs; null, when there is no row.
    fn held<'a>(&self, input: FoldInput<'a>) -> &'a Cell {
        let cells = if self.key {
            input.key
        } else {
            input.row.unwrap_or_default()
        };
        cells.get(self.place).unwrap_or(&Cell::Null)
    }
}

/// Which a column is of those of the key, or of the others.
fn place_of(columns: &[FoldColumn], number: usize) -> usize {
    let before = columns.iter().take(number);
    let key = columns.get(number).is_some_and(|column| column.key);
    before.filter(|column| column.key == key).count()
}
