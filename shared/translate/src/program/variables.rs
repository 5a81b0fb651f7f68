//! How a program uses its variables.

use std::collections::BTreeMap;

use vrl::parser::Program;
use vrl::parser::ast::{Assignment, AssignmentTarget, Expr, FunctionCall, QueryTarget};

use super::syntax;

/// How a variable is used.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Uses {
    /// How often it is assigned as a whole.
    pub(super) assigned: usize,
    /// How often it is read, as a whole or in part.
    pub(super) read: usize,
    /// Whether a part of it is assigned, or a closure has a variable of its name.
    pub(super) entangled: bool,
}

/// How a program uses each of its variables.
pub(super) fn uses(program: &Program) -> BTreeMap<String, Uses> {
    let mut found = BTreeMap::new();
    syntax::walk(program, |expression| look(expression.inner(), &mut found));
    found
}

fn look(expression: &Expr, found: &mut BTreeMap<String, Uses>) {
    match expression {
        Expr::Variable(name) => entry(found, name.inner()).read += 1,
        Expr::Query(query) => match query.inner().target.inner() {
            QueryTarget::Internal(name) => entry(found, name).read += 1,
            QueryTarget::FunctionCall(call) => closure(call, found),
            QueryTarget::External(_) | QueryTarget::Container(_) => {}
        },
        Expr::FunctionCall(call) => closure(call.inner(), found),
        Expr::Assignment(assignment) => match assignment.inner() {
            Assignment::Single { target, .. } => assigned(target.inner(), found),
            Assignment::Infallible { ok, err, .. } => {
                assigned(ok.inner(), found);
                assigned(err.inner(), found);
            }
        },
        _ => {}
    }
}

fn entry<'f>(found: &'f mut BTreeMap<String, Uses>, name: &str) -> &'f mut Uses {
    found.entry(name.to_owned()).or_default()
}

fn closure(call: &FunctionCall, found: &mut BTreeMap<String, Uses>) {
    for name in call
        .closure
        .iter()
        .flat_map(|closure| &closure.inner().variables)
    {
        entry(found, name.inner()).entangled = true;
    }
}

fn assigned(target: &AssignmentTarget, found: &mut BTreeMap<String, Uses>) {
    match target {
        AssignmentTarget::Internal(name, None) => entry(found, name).assigned += 1,
        AssignmentTarget::Internal(name, Some(_)) => entry(found, name).entangled = true,
        AssignmentTarget::Query(query) => {
            if let QueryTarget::Internal(name) = query.target.inner() {
                entry(found, name).entangled = true;
            }
        }
        AssignmentTarget::External(_) | AssignmentTarget::Noop => {}
    }
}
