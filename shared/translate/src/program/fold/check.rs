//! What types tell about a fold before it has run.

use std::collections::BTreeSet;

use super::super::compile::Program;
use super::super::known_kinds::kinds_in;
use super::super::report::Problem;
use super::super::row_path::columns_are;
use super::copies::MarkedFold;
use super::kinds::{Changes, row_kind};
use crate::{CompileError, Kinds};

const LAST: &str = "what `.row` is at the end is what is written, as in `.row.state = \"paid\"`; \
                    null deletes the row";

/// The rows that a fold writes down have columns only.
pub(super) fn check_written(
    name: &str,
    source: &str,
    fold: &MarkedFold,
    columns: &BTreeSet<String>,
) -> Result<(), CompileError> {
    let unknown = fold
        .written
        .iter()
        .filter(|(member, _)| !columns.contains(member));
    let help = columns_are(columns);
    let mut problems: Vec<Problem> = unknown
        .map(|(member, span)| {
            let message = format!("the row has no column `{member}`");
            Problem::at(source, *span, message, "", [help.as_str()])
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(CompileError {
        name: name.to_owned(),
        problems,
    })
}

/// A fold changes its row, and leaves a row or null.
pub(super) fn check_end(
    program: &Program,
    changes: &Changes,
    columns: &BTreeSet<String>,
) -> Result<(), CompileError> {
    let wrong = |message: &str, help: &str| {
        let (name, source) = (&program.name, &program.source);
        Err(CompileError::of_whole(name, source, message, help))
    };
    if changes.is_empty() {
        return wrong("the fold never changes `.row`", LAST);
    }
    let row = row_kind(&program.root);
    let kinds = kinds_in(&row);
    if !kinds.intersects(Kinds::OBJECT.union(Kinds::NULL)) {
        return wrong(&format!("`.row` is {kinds} at the end"), LAST);
    }
    let members = row.as_object().into_iter().flat_map(|row| row.known());
    let unknown = members
        .filter(|(_, kind)| kind.contains_any_defined())
        .find(|(member, _)| !columns.contains(member.as_str()));
    match unknown {
        Some((member, _)) => wrong(
            &format!("the row may have `{member}` at the end, which is no column"),
            &columns_are(columns),
        ),
        None => Ok(()),
    }
}
