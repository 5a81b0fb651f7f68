//! What a fold may leave in its columns.

use std::collections::BTreeSet;

use vrl::parser::Program;
use vrl::parser::ast::{Assignment, Expr, Node};
use vrl::value::Kind;

use super::super::known_kinds::kinds_in;
use super::super::row_path::{ROW, RowPath};
use super::super::statements;
use super::super::syntax::{from_root, overview, targets, walk};
use crate::Kinds;

/// What a fold changes.
#[derive(Default)]
pub(super) struct Changes {
    /// Every place of the row that it assigns or deletes.
    all: Vec<RowPath>,
    /// Those of which types tell too little: in a closure, which the compiler takes to
    /// run once; inside another expression; or anywhere, when it may end before.
    uncertain: BTreeSet<RowPath>,
}

impl Changes {
    /// What `program` changes.
    pub(super) fn of(program: &Program) -> Self {
        let mut all = Vec::new();
        walk(program, |expression| all.extend(changed(expression)));
        let mut certain = Vec::new();
        statements::rewrite(program.clone(), &mut |assignment| {
            certain.extend(assigned(&assignment));
            assignment
        });
        let ends_early = overview(program).returns;
        let count = |list: &[RowPath], path: &RowPath| list.iter().filter(|it| *it == path).count();
        let uncertain = all
            .iter()
            .filter(|path| ends_early || count(&all, path) > count(&certain, path))
            .cloned()
            .collect();
        Self { all, uncertain }
    }

    /// Whether it changes nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What may be in a column where the program ends; `root` is what types tell.
    pub(super) fn kinds_of(&self, column: &str, root: &Kind) -> Kinds {
        let uncertain = self.uncertain.iter().any(|path| match path {
            RowPath::Whole => true,
            RowPath::Column(name) | RowPath::Inside(name) => name == column,
        });
        if uncertain {
            return Kinds::ANY;
        }
        let row = row_kind(root);
        match row.as_object() {
            Some(members) => match members.known().get(&column.into()) {
                Some(kind) => kinds_in(kind),
                None => kinds_in(&members.unknown_kind()),
            },
            None => Kinds::NULL,
        }
    }
}

/// What the row may be where the program ends.
pub(super) fn row_kind(root: &Kind) -> Kind {
    let members = root.as_object();
    let row = members.and_then(|members| members.known().get(&ROW.into()));
    row.cloned().unwrap_or_else(Kind::undefined)
}

fn assigned(assignment: &Assignment) -> Vec<RowPath> {
    targets(assignment)
        .filter_map(|target| RowPath::assigned(target.inner()))
        .collect()
}

fn changed(expression: &Node<Expr>) -> Vec<RowPath> {
    match expression.inner() {
        Expr::Assignment(assignment) => assigned(assignment.inner()),
        Expr::FunctionCall(call) if &**call.inner().ident.inner() == "del" => {
            let arguments = call.inner().arguments.iter();
            arguments
                .filter_map(|argument| match argument.inner().expr.inner() {
                    Expr::Query(query) => RowPath::of(&from_root(query.inner())?),
                    _ => None,
                })
                .collect()
        }
        _ => Vec::new(),
    }
}
