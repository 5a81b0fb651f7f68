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
//! is what came.

use std::collections::BTreeMap;

use vrl::compiler::prelude::Bytes;
use vrl::parser::Program;
use vrl::parser::ast::{
    Assignment, AssignmentOp, AssignmentTarget, Block, Container, Expr, FunctionCall, Group,
    IfStatement, Node, Op, Opcode, Query, QueryTarget, Return, RootExpr,
};
use vrl::path::{OwnedValuePath, PathPrefix};
use vrl::value::Value;

use super::syntax::{field_name, from_root};
use super::variables::{Uses, uses};
use crate::{Json, JsonKind};

/// How far into its result a program passes things on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere in arrays and objects that it writes down.
    Everywhere,
    /// As the result, or as an element of an array that it writes down.
    Elements,
    /// As the result only.
    Whole,
}

/// The name, under the root of the metadata, of the stand-in for copy `number`.
pub(super) fn name_of(number: usize) -> String {
    number.to_string()
}

/// Replaces what `program` only passes on, and lists it. `roots` are the places from
/// which copies can be made.
pub(super) fn mark(
    program: Program,
    roots: &'static [&'static str],
    reach: Reach,
) -> (Program, Vec<OwnedValuePath>) {
    let mut marking = Marking {
        roots,
        copies: Vec::new(),
        passed_on: BTreeMap::new(),
    };
    let uses = uses(&program);
    let mut result = Some(reach);
    // From the last statement to the first: what is done with a variable is known
    // when its assignment comes.
    let mut statements: Vec<_> = program
        .0
        .into_iter()
        .rev()
        .map(|root| {
            let reach = result.take();
            root.map(|root| match root {
                RootExpr::Expr(expression) if reach.is_some() => {
                    RootExpr::Expr(marking.expression(expression, reach))
                }
                RootExpr::Expr(expression) => RootExpr::Expr(marking.assignment(expression, &uses)),
                error @ RootExpr::Error(_) => error,
            })
        })
        .collect();
    statements.reverse();
    (Program(statements), marking.copies)
}

struct Marking {
    roots: &'static [&'static str],
    copies: Vec<OwnedValuePath>,
    /// How often each variable is passed on as a whole.
    passed_on: BTreeMap<String, usize>,
}

impl Marking {
    /// A statement before the last one: what it assigns to a variable is passed on if
    /// nothing else is ever done with that variable.
    fn assignment(&mut self, statement: Node<Expr>, uses: &BTreeMap<String, Uses>) -> Node<Expr> {
        statement.map(|statement| match statement {
            Expr::Assignment(assignment) => {
                Expr::Assignment(assignment.map(|assignment| match assignment {
                    Assignment::Single {
                        target,
                        op: AssignmentOp::Assign,
                        expr,
                    } if self.is_only_passed_on(target.inner(), uses) => Assignment::Single {
                        target,
                        op: AssignmentOp::Assign,
                        expr: Box::new(self.expression(*expr, Some(Reach::Everywhere))),
                    },
                    other => other,
                }))
            }
            other => other,
        })
    }

    fn is_only_passed_on(&self, target: &AssignmentTarget, uses: &BTreeMap<String, Uses>) -> bool {
        let AssignmentTarget::Internal(name, None) = target else {
            return false;
        };
        let (Some(uses), Some(passed_on)) = (uses.get(&**name), self.passed_on.get(&**name)) else {
            return false;
        };
        uses.assigned == 1 && !uses.entangled && uses.read == *passed_on
    }

    fn expression(&mut self, expression: Node<Expr>, reach: Option<Reach>) -> Node<Expr> {
        let Some(reach) = reach else {
            return expression;
        };
        expression.map(|expression| match expression {
            Expr::Query(query) => Expr::Query(query.map(|query| self.query(query))),
            Expr::Variable(name) if reach == Reach::Everywhere => {
                *self.passed_on.entry(name.inner().to_string()).or_default() += 1;
                Expr::Variable(name)
            }
            Expr::Container(container) => {
                Expr::Container(container.map(|container| self.container(container, reach)))
            }
            Expr::IfStatement(statement) => Expr::IfStatement(statement.map(|statement| {
                IfStatement {
                    predicate: statement.predicate,
                    if_node: statement.if_node.map(|block| self.block(block, reach)),
                    else_node: statement
                        .else_node
                        .map(|block| block.map(|block| self.block(block, reach))),
                }
            })),
            Expr::Op(operation) => Expr::Op(operation.map(|operation| {
                let Op(left, operator, right) = operation;
                if matches!(operator.inner(), Opcode::Err | Opcode::Or) {
                    let left = Box::new(self.expression(*left, Some(reach)));
                    let right = Box::new(self.expression(*right, Some(reach)));
                    Op(left, operator, right)
                } else {
                    Op(left, operator, right)
                }
            })),
            Expr::FunctionCall(call) => Expr::FunctionCall(call.map(|call| self.call(call))),
            Expr::Return(returned) => Expr::Return(returned.map(|returned| Return {
                expr: Box::new(self.expression(*returned.expr, Some(reach))),
            })),
            other => other,
        })
    }

    fn query(&mut self, query: Query) -> Query {
        let Some(path) = from_root(&query) else {
            return query;
        };
        let copied = path.prefix == PathPrefix::Event
            && path.path.segments.first().is_some_and(|first| {
                self.roots
                    .iter()
                    .any(|root| field_name(first) == Some(root))
            });
        if !copied {
            return query;
        }
        let number = self
            .copies
            .iter()
            .position(|copy| *copy == path.path)
            .unwrap_or_else(|| {
                self.copies.push(path.path);
                self.copies.len() - 1
            });
        Query {
            target: query
                .target
                .map(|_| QueryTarget::External(PathPrefix::Metadata)),
            path: query
                .path
                .map(|_| OwnedValuePath::single_field(&name_of(number))),
        }
    }

    fn container(&mut self, container: Container, reach: Reach) -> Container {
        match container {
            Container::Group(group) => Container::Group(Box::new(
                group.map(|group| Group(self.expression(group.into_inner(), Some(reach)))),
            )),
            Container::Block(block) => {
                Container::Block(block.map(|block| self.block(block, reach)))
            }
            Container::Array(array) => {
                let inside = match reach {
                    Reach::Everywhere => Some(Reach::Everywhere),
                    Reach::Elements => Some(Reach::Whole),
                    Reach::Whole => None,
                };
                Container::Array(array.map(|array| {
                    array
                        .into_iter()
                        .map(|element| self.expression(element, inside))
                        .collect()
                }))
            }
            Container::Object(object) => {
                let inside = (reach == Reach::Everywhere).then_some(reach);
                Container::Object(object.map(|object| {
                    object
                        .into_iter()
                        .map(|(key, value)| (key, self.expression(value, inside)))
                        .collect()
                }))
            }
        }
    }

    fn block(&mut self, block: Block, reach: Reach) -> Block {
        let last = block.0.len().saturating_sub(1);
        let statements = block.0.into_iter().enumerate();
        Block(
            statements
                .map(|(number, statement)| {
                    self.expression(statement, (number == last).then_some(reach))
                })
                .collect(),
        )
    }

    /// `array!(.path)` and `object!(.path)` let through what they are given or fail.
    fn call(&mut self, call: FunctionCall) -> FunctionCall {
        let asserts_kind = matches!(&**call.ident.inner(), "array" | "object")
            && call.closure.is_none()
            && call.arguments.len() == 1;
        if !asserts_kind {
            return call;
        }
        FunctionCall {
            arguments: call
                .arguments
                .into_iter()
                .map(|argument| {
                    argument.map(|mut argument| {
                        if matches!(argument.expr.inner(), Expr::Query(_)) {
                            argument.expr = self.expression(argument.expr, Some(Reach::Whole));
                        }
                        argument
                    })
                })
                .collect(),
            ..call
        }
    }
}

/// What the bytes of a stand-in begin with. Not UTF-8, so no text of a payload is
/// like it.
const TAG: &[u8] = b"\xff\xfedragoman copy ";

/// The stand-in for a value, of the kind that the value has.
pub(super) fn stand_in(number: usize, kind: JsonKind) -> Value {
    let tagged = |kind: u8| {
        let mut bytes = TAG.to_vec();
        bytes.push(kind);
        bytes.extend(name_of(number).into_bytes());
        Value::Bytes(Bytes::from(bytes))
    };
    match kind {
        JsonKind::Array => Value::Array(vec![tagged(b'a')]),
        JsonKind::Object => Value::Object([("".into(), tagged(b'o'))].into_iter().collect()),
        _ => tagged(b'n'),
    }
}

/// The copy that a value of a result stands for, if it is a stand-in.
pub(super) fn copy_of(value: &Value) -> Option<usize> {
    match value {
        Value::Bytes(_) => number_in(value, b'n'),
        Value::Array(elements) => match elements.as_slice() {
            [one] => number_in(one, b'a'),
            _ => None,
        },
        Value::Object(members) if members.len() == 1 => number_in(members.get("")?, b'o'),
        _ => None,
    }
}

fn number_in(value: &Value, kind: u8) -> Option<usize> {
    let Value::Bytes(bytes) = value else {
        return None;
    };
    let rest = bytes.strip_prefix(TAG)?.strip_prefix(&[kind])?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}

/// What stands in a result where a path was only passed on.
pub(super) type Copies<'d> = Vec<Option<Json<'d>>>;
