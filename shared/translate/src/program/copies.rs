//! Paths whose value a program only passes on.
//!
//! VRL holds numbers as 64-bit integers and floats. What a program only passes on
//! into its result must not suffer from that, so in the places where the result is
//! made up (the last expression, through blocks, branches, array and object literals,
//! `??`, `||` and `return`, with or without `array!(…)` or `object!(…)` around the
//! path) a path is replaced, before compiling, by a path to a stand-in. The stand-in
//! is of the same kind as the value, and nothing can look into it there. In the
//! result it is replaced by the text as it came. So it is with what is assigned to a
//! variable that is itself only passed on.
//!
//! This is sound because what comes in is read-only: where the path stands, its value
//! is what came. A row can be changed, so a path into it stays, and its columns hold
//! the stand-ins; they may, where nobody looks at the column.

use std::collections::{BTreeMap, BTreeSet};

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::RootExpr;
use vrl::path::OwnedValuePath;

use super::marking::Marking;
use super::statements;
use super::variables::uses;

/// How far into its result a program passes things on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere in arrays and objects that it writes down.
    Everywhere,
    /// As the result, or as an element of an array that it writes down.
    Elements,
    /// As the result only.
    Whole,
    /// As the value of a column, in the rows that it writes down as objects.
    Columns,
}

/// A program in which what it only passes on is replaced, and the list of that.
pub(super) struct Marked {
    pub(super) program: Program,
    pub(super) copies: Vec<OwnedValuePath>,
}

/// Replaces what `program` only passes on into what it yields. `roots` are the places
/// from which copies can be made.
pub(super) fn mark(mut program: Program, roots: &'static [&'static str], reach: Reach) -> Marked {
    let uses = uses(&program);
    let mut marking = Marking::new(roots, None);
    // From the last statement to the first: what is done with a variable is known
    // when its assignment comes.
    let result = program.0.pop().map(|root| {
        root.map(|root| match root {
            RootExpr::Expr(expression) => {
                RootExpr::Expr(marking.expression(expression, Some(reach)))
            }
            error @ RootExpr::Error(_) => error,
        })
    });
    let mut program = statements::rewrite(program, &mut |assignment| {
        marking.assignment(assignment, &uses)
    });
    program.0.extend(result);
    Marked {
        program,
        copies: marking.copies,
    }
}

/// Columns of a row, while a fold is marked.
pub(super) struct Columns<'c> {
    /// Those into which things are passed on.
    pub(super) open: &'c BTreeSet<String>,
    /// How often each is passed on as a whole.
    pub(super) passed_on: BTreeMap<String, usize>,
    /// The members of the rows that are written down.
    pub(super) written: Vec<(String, Span)>,
}

/// Replaces what `program` only passes on into columns of its row.
pub(super) fn mark_columns(
    program: Program,
    roots: &'static [&'static str],
    columns: &mut Columns<'_>,
) -> Marked {
    let uses = uses(&program);
    let mut marking = Marking::new(roots, Some(columns));
    let program = statements::rewrite(program, &mut |assignment| {
        marking.assignment(assignment, &uses)
    });
    Marked {
        program,
        copies: marking.copies,
    }
}
