//! Putting stand-ins in the place of what is passed on.

use std::collections::BTreeMap;

use vrl::parser::ast::{
    Assignment, AssignmentOp, AssignmentTarget, Block, Container, Expr, FunctionCall, Group,
    IfStatement, Node, Op, Opcode, Query, QueryTarget, Return,
};
use vrl::path::{OwnedValuePath, PathPrefix};

use super::copies::{Columns, Reach};
use super::row_path::RowPath;
use super::stand_in::name_of;
use super::syntax::{field_name, from_root};
use super::variables::Uses;

/// A program on the way, from its last statement to its first.
pub(super) struct Marking<'m, 'c> {
    roots: &'static [&'static str],
    pub(super) copies: Vec<OwnedValuePath>,
    /// How often each variable is passed on as a whole.
    passed_on: BTreeMap<String, usize>,
    columns: Option<&'m mut Columns<'c>>,
}

impl<'m, 'c> Marking<'m, 'c> {
    pub(super) fn new(
        roots: &'static [&'static str],
        columns: Option<&'m mut Columns<'c>>,
    ) -> Self {
        Self {
            roots,
            copies: Vec::new(),
            passed_on: BTreeMap::new(),
            columns,
        }
    }

    pub(super) fn assignment(
        &mut self,
        assignment: Assignment,
        uses: &BTreeMap<String, Uses>,
    ) -> Assignment {
        match assignment {
            Assignment::Single {
                target,
                op: AssignmentOp::Assign,
                expr,
            } => {
                let reach = self.reach_into(target.inner(), uses);
                Assignment::Single {
                    target,
                    op: AssignmentOp::Assign,
                    expr: Box::new(self.expression(*expr, reach)),
                }
            }
            other => other,
        }
    }

    /// How far things are passed on into what is assigned there: into a variable if
    /// nothing else is ever done with it, into a column if nobody looks at it.
    fn reach_into(
        &self,
        target: &AssignmentTarget,
        uses: &BTreeMap<String, Uses>,
    ) -> Option<Reach> {
        if let Some(columns) = &self.columns
            && let Some(path) = RowPath::assigned(target)
        {
            return match path {
                RowPath::Whole => Some(Reach::Columns),
                RowPath::Column(name) => columns.open.contains(&name).then_some(Reach::Everywhere),
                RowPath::Inside(_) => None,
            };
        }
        self.is_only_passed_on(target, uses)
            .then_some(Reach::Everywhere)
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

    pub(super) fn expression(
        &mut self,
        expression: Node<Expr>,
        reach: Option<Reach>,
    ) -> Node<Expr> {
        let Some(reach) = reach else {
            return expression;
        };
        expression.map(|expression| match expression {
            Expr::Query(query) if reach != Reach::Columns => {
                Expr::Query(query.map(|query| self.query(query)))
            }
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
            Expr::FunctionCall(call) if reach != Reach::Columns => {
                Expr::FunctionCall(call.map(|call| self.call(call)))
            }
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
        if let Some(columns) = &mut self.columns
            && let Some(RowPath::Column(name)) = RowPath::of(&path)
        {
            // The row holds the stand-in itself, if the column has one.
            *columns.passed_on.entry(name).or_default() += 1;
            return query;
        }
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
                    Reach::Whole | Reach::Columns => None,
                };
                Container::Array(array.map(|array| {
                    array
                        .into_iter()
                        .map(|element| self.expression(element, inside))
                        .collect()
                }))
            }
            Container::Object(object) => Container::Object(object.map(|object| {
                object
                    .into_iter()
                    .map(|(key, value)| {
                        let inside = self.reach_into_member(&key, reach);
                        (key, self.expression(value, inside))
                    })
                    .collect()
            })),
        }
    }

    fn reach_into_member(&mut self, key: &Node<String>, reach: Reach) -> Option<Reach> {
        match (reach, &mut self.columns) {
            (Reach::Everywhere, _) => Some(reach),
            (Reach::Columns, Some(columns)) => {
                columns.written.push((key.inner().clone(), key.span()));
                let open = columns.open.contains(key.inner());
                open.then_some(Reach::Everywhere)
            }
            _ => None,
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
