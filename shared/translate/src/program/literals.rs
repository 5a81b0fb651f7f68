//! The events, or requests, that a program writes down as object literals in its
//! result.

use std::collections::BTreeMap;

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::{
    Array, Block, Container, Expr, Group, IfStatement, Node, Object, Op, Opcode, Return, RootExpr,
};
use vrl::value::Kind;

use super::compile::types_of;
use super::scope::Scope;
use super::syntax;

/// What a program writes down.
pub(super) struct Literals {
    pub(super) objects: Vec<Literal>,
    /// Whether it has a `return` of its own.
    pub(super) returns: bool,
}

/// An object that a program writes down.
pub(super) struct Literal {
    pub(super) span: Span,
    pub(super) members: BTreeMap<String, MemberPlace>,
}

/// A member of it: where its value stands, and its text if it is a literal.
pub(super) struct MemberPlace {
    pub(super) span: Span,
    pub(super) text: Option<String>,
}

/// All objects that a program writes down as its result, or as elements of an array
/// that is its result, in the order of the text.
pub(super) fn find(program: &Program) -> Literals {
    let mut objects = Vec::new();
    let mut look = |object: Node<Object>| {
        let span = object.span();
        let members = object
            .inner()
            .clone()
            .into_iter()
            .map(|(name, value)| {
                let place = MemberPlace {
                    span: value.span(),
                    text: syntax::literal_text(value.inner()),
                };
                (name.into_inner(), place)
            })
            .collect();
        objects.push(Literal { span, members });
        Container::Object(object)
    };
    rewrite(program.clone(), &mut look);
    Literals {
        objects,
        returns: syntax::overview(program).returns,
    }
}

/// What types tell of a member of the object of that number; nothing when they cannot
/// be had.
pub(super) fn kind_of(
    program: &Program,
    literals: &Literals,
    (number, member): (usize, &str),
    scope: &Scope,
) -> Option<Kind> {
    if literals.returns {
        return None;
    }
    let returning = returning(program.clone(), number, member);
    let program = types_of(returning, scope, &[]).ok()?;
    let kind = program.final_type_info().result.returns().clone();
    // The compiler does not look for a `return` inside an array.
    (!kind.is_never()).then_some(kind)
}

/// The program, changed so that it returns a member where it writes down the object of
/// that number: what is known of its `returns` is then known of the member.
fn returning(program: Program, number: usize, member: &str) -> Program {
    let mut seen = 0;
    rewrite(program, &mut |object: Node<Object>| {
        let here = seen == number;
        seen += 1;
        let span = object.span();
        let value = object
            .inner()
            .clone()
            .into_iter()
            .find_map(|(name, value)| (name.inner() == member).then_some(value));
        match value {
            Some(value) if here => {
                let returned = Expr::Return(Node::new(
                    span,
                    Return {
                        expr: Box::new(value),
                    },
                ));
                Container::Block(Node::new(span, Block(vec![Node::new(span, returned)])))
            }
            _ => Container::Object(object),
        }
    })
}

/// Puts what `change` makes of it in the place of each object that is written down: the
/// result, or an element of an array that is the result.
fn rewrite(program: Program, change: &mut impl FnMut(Node<Object>) -> Container) -> Program {
    let last = program.0.len().saturating_sub(1);
    let statements = program.0.into_iter().enumerate();
    Program(
        statements
            .map(|(number, root)| {
                root.map(|root| match root {
                    RootExpr::Expr(expression) if number == last => {
                        RootExpr::Expr(result(expression, true, change))
                    }
                    other => other,
                })
            })
            .collect(),
    )
}

fn result(
    expression: Node<Expr>,
    array: bool,
    change: &mut impl FnMut(Node<Object>) -> Container,
) -> Node<Expr> {
    expression.map(|expression| match expression {
        Expr::Container(container) => Expr::Container(container.map(|container| match container {
            Container::Object(object) => change(object),
            Container::Array(elements) if array => {
                let span = elements.span();
                let elements = elements.map(|elements| -> Array {
                    elements
                        .into_iter()
                        .map(|element| result(element, false, change))
                        .collect()
                });
                match elements.inner().clone().into_iter().find(is_return) {
                    Some(returned) => Container::Block(Node::new(span, Block(vec![returned]))),
                    None => Container::Array(elements),
                }
            }
            Container::Group(group) => Container::Group(Box::new(
                group.map(|group| Group(result(group.into_inner(), array, change))),
            )),
            Container::Block(inner) => {
                Container::Block(inner.map(|inner| block(inner, array, change)))
            }
            other => other,
        })),
        Expr::IfStatement(statement) => Expr::IfStatement(statement.map(|statement| {
            IfStatement {
                predicate: statement.predicate,
                if_node: statement.if_node.map(|inner| block(inner, array, change)),
                else_node: statement
                    .else_node
                    .map(|inner| inner.map(|inner| block(inner, array, change))),
            }
        })),
        Expr::Op(operation) => Expr::Op(operation.map(|Op(left, operator, right)| {
            if matches!(operator.inner(), Opcode::Err | Opcode::Or) {
                let left = Box::new(result(*left, array, change));
                Op(left, operator, Box::new(result(*right, array, change)))
            } else {
                Op(left, operator, right)
            }
        })),
        other => other,
    })
}

/// Whether it is what [`returning`] put there. VRL does not tell what an element of an
/// array returns, so it stands for the array.
fn is_return(expression: &Node<Expr>) -> bool {
    let Expr::Container(container) = expression.inner() else {
        return false;
    };
    let Container::Block(block) = container.inner() else {
        return false;
    };
    let mut statements = block.inner().0.iter();
    statements.any(|statement| matches!(statement.inner(), Expr::Return(_)))
}

fn block(inner: Block, array: bool, change: &mut impl FnMut(Node<Object>) -> Container) -> Block {
    let last = inner.0.len().saturating_sub(1);
    let statements = inner.0.into_iter().enumerate();
    Block(
        statements
            .map(|(number, statement)| {
                if number == last {
                    result(statement, array, change)
                } else {
                    statement
                }
            })
            .collect(),
    )
}
