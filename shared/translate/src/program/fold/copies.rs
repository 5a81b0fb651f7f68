//! Columns at which a fold does not look.
//!
//! Such a column keeps what it holds, digit for digit, and takes digit for digit what
//! is passed on into it: the row that the program is given has a stand-in there. A
//! column is looked at where it is read, unless only to see whether there is something
//! (`.row.total == null`), or to pass it on into a column at which nobody looks.

use std::collections::{BTreeMap, BTreeSet};

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::{Assignment, AssignmentOp, Expr, Literal, Node, Opcode};

use super::super::copies::{Columns, Marked, mark_columns};
use super::super::row_path::RowPath;
use super::super::syntax::{from_root, roots, targets, walk};

/// Functions that only see whether there is something.
const LOOK_FOR_NULL: [&str; 2] = ["exists", "is_null"];

/// A fold in which what it only passes on is replaced.
pub(super) struct MarkedFold {
    pub(super) marked: Marked,
    /// The columns at which it does not look.
    pub(super) unseen: BTreeSet<String>,
    /// The members of the rows that it writes down.
    pub(super) written: Vec<(String, Span)>,
}

/// Replaces what `program` only passes on. `roots` are the places from which copies
/// can be made.
pub(super) fn mark(
    program: &Program,
    roots: &'static [&'static str],
    columns: BTreeSet<String>,
) -> MarkedFold {
    let looks = looks(program);
    let mut unseen = columns;
    loop {
        let mut state = Columns {
            open: &unseen,
            passed_on: BTreeMap::new(),
            written: Vec::new(),
        };
        let marked = mark_columns(program.clone(), roots, &mut state);
        let (passed_on, written) = (state.passed_on, state.written);
        // With each column that is seen, less can be passed on.
        let still: BTreeSet<String> = unseen
            .iter()
            .filter(|name| looks.of(name) <= passed_on.get(*name).copied().unwrap_or_default())
            .cloned()
            .collect();
        if still == unseen {
            return MarkedFold {
                marked,
                unseen,
                written,
            };
        }
        unseen = still;
    }
}

/// How often a program looks at its row.
#[derive(Default)]
struct Looks {
    whole: usize,
    columns: BTreeMap<String, usize>,
}

impl Looks {
    fn of(&self, column: &str) -> usize {
        self.whole + self.columns.get(column).copied().unwrap_or_default()
    }

    fn at(&mut self, path: RowPath) -> &mut usize {
        match path {
            RowPath::Whole => &mut self.whole,
            RowPath::Column(name) | RowPath::Inside(name) => self.columns.entry(name).or_default(),
        }
    }
}

fn looks(program: &Program) -> Looks {
    let mut all = Looks::default();
    let mut idle = Looks::default();
    walk(program, |expression| {
        if let Some(path) = row_path(expression) {
            *all.at(path) += 1;
        }
        if let Some(path) = looked_for_null(expression.inner())
            && !matches!(path, RowPath::Inside(_))
        {
            *idle.at(path) += 1;
        }
        if let Expr::Assignment(assignment) = expression.inner() {
            for path in changed(assignment.inner()) {
                *all.at(path) += 1;
            }
        }
    });
    // What is a statement is looked at by nobody: many a fold ends with `.row`.
    for path in roots(program).filter_map(|statement| row_path(&statement)) {
        *idle.at(path) += 1;
    }
    all.whole -= idle.whole;
    for (name, count) in idle.columns {
        *all.at(RowPath::Column(name)) -= count;
    }
    all
}

fn row_path(expression: &Node<Expr>) -> Option<RowPath> {
    match expression.inner() {
        Expr::Query(query) => RowPath::of(&from_root(query.inner())?),
        _ => None,
    }
}

/// What `expression` compares with null.
fn looked_for_null(expression: &Expr) -> Option<RowPath> {
    match expression {
        Expr::Op(operation) => {
            let operation = operation.inner();
            if !matches!(operation.1.inner(), Opcode::Eq | Opcode::Ne) {
                return None;
            }
            match (is_null(&operation.0), is_null(&operation.2)) {
                (true, false) => row_path(&operation.2),
                (false, true) => row_path(&operation.0),
                _ => None,
            }
        }
        Expr::FunctionCall(call) => {
            let call = call.inner();
            let [argument] = call.arguments.as_slice() else {
                return None;
            };
            LOOK_FOR_NULL
                .contains(&&**call.ident.inner())
                .then(|| row_path(&argument.inner().expr))
                .flatten()
        }
        _ => None,
    }
}

fn is_null(expression: &Node<Expr>) -> bool {
    matches!(expression.inner(), Expr::Literal(literal) if matches!(literal.inner(), Literal::Null))
}

/// What an assignment changes in what is there.
fn changed(assignment: &Assignment) -> Vec<RowPath> {
    let op = match assignment {
        Assignment::Single { op, .. } | Assignment::Infallible { op, .. } => op,
    };
    targets(assignment)
        .filter_map(|target| RowPath::assigned(target.inner()))
        .filter(|path| *op == AssignmentOp::Merge || matches!(path, RowPath::Inside(_)))
        .collect()
}
