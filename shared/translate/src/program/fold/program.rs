//! Programs that make of a row and an event what the row becomes.

use std::collections::BTreeSet;

use super::super::compile::{Program, compile_marked, parse};
use super::super::deep_stack::with_deep_stack;
use super::check::{check_end, check_written};
use super::columns::{ColumnKind, FoldColumn, scope_of};
use super::copies::mark;
use super::kinds::Changes;
use super::row::FoldInput;
use super::runner::FoldRunner;
use crate::{Cell, CompileError, EventScope, Kinds};

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
    pub(super) program: Program,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) key: bool,
    /// Which it is of the columns of the key, or of the others.
    place: usize,
    /// Whether the program does not look at it.
    pub(super) unseen: bool,
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

    /// Runs it on one row after the other.
    #[must_use]
    pub fn runner(&self) -> FoldRunner<'_> {
        FoldRunner::new(self)
    }
}

impl Column {
    /// What it holds before the program runs; null, when there is no row.
    pub(super) fn held<'a>(&self, input: FoldInput<'a>) -> &'a Cell {
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
