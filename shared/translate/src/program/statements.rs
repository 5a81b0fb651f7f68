//! Assignments whose own value nobody uses.

use vrl::parser::Program;
use vrl::parser::ast::{Assignment, Block, Container, Expr, IfStatement, Node, RootExpr};

/// What is made of an assignment.
pub(super) type Change<'c> = dyn FnMut(Assignment) -> Assignment + 'c;

/// Puts what `change` makes of it in the place of each assignment that is a statement,
/// from the last to the first: in the program itself, and in the blocks and branches
/// that are statements themselves. Nobody uses what the program yields.
pub(super) fn rewrite(program: Program, change: &mut Change<'_>) -> Program {
    let mut statements: Vec<_> = program
        .0
        .into_iter()
        .rev()
        .map(|root| {
            root.map(|root| match root {
                RootExpr::Expr(expression) => RootExpr::Expr(statement(expression, change)),
                error @ RootExpr::Error(_) => error,
            })
        })
        .collect();
    statements.reverse();
    Program(statements)
}

fn statement(expression: Node<Expr>, change: &mut Change<'_>) -> Node<Expr> {
    expression.map(|expression| match expression {
        Expr::Assignment(assignment) => Expr::Assignment(assignment.map(&mut *change)),
        Expr::Container(container) => Expr::Container(container.map(|container| match container {
            Container::Block(inner) => Container::Block(inner.map(|inner| block(inner, change))),
            other => other,
        })),
        Expr::IfStatement(branches) => Expr::IfStatement(branches.map(|branches| {
            // From the last to the first here, too.
            let else_node = branches
                .else_node
                .map(|inner| inner.map(|inner| block(inner, change)));
            IfStatement {
                predicate: branches.predicate,
                if_node: branches.if_node.map(|inner| block(inner, change)),
                else_node,
            }
        })),
        other => other,
    })
}

fn block(block: Block, change: &mut Change<'_>) -> Block {
    let mut statements: Vec<_> = block
        .0
        .into_iter()
        .rev()
        .map(|inner| statement(inner, change))
        .collect();
    statements.reverse();
    Block(statements)
}
