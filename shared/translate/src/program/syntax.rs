//! Looking through a parsed program, without recursion.

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::{
    Assignment, AssignmentTarget, Container, Expr, FunctionCall, Literal, Node, Predicate, Query,
    QueryTarget, RootExpr, Unary,
};
use vrl::path::{OwnedSegment, OwnedTargetPath, OwnedValuePath, PathPrefix};

/// A path from the root, as it stands in a program.
pub(super) struct Read {
    pub(super) path: OwnedTargetPath,
    pub(super) span: Span,
}

/// What a look through a program finds.
#[derive(Default)]
pub(super) struct Overview {
    /// Every path from the root that it reads, in no order.
    pub(super) reads: Vec<Read>,
    /// Every path from the root that it assigns, in no order.
    pub(super) writes: Vec<Read>,
    /// How deep its expressions are nested.
    pub(super) depth: usize,
    /// Whether it has a `return`.
    pub(super) returns: bool,
}

/// Looks through a program.
pub(super) fn overview(program: &Program) -> Overview {
    let mut found = Overview::default();
    found.depth = walk(program, |expression| {
        found.returns |= matches!(expression.inner(), Expr::Return(_));
        if let Expr::Query(query) = expression.inner()
            && let Some(path) = from_root(query.inner())
        {
            let span = expression.span();
            found.reads.push(Read { path, span });
        }
        if let Expr::Assignment(assignment) = expression.inner() {
            let targets = targets(assignment.inner()).filter_map(|target| {
                let path = target_path(target.inner())?;
                let span = target.span();
                Some(Read { path, span })
            });
            found.writes.extend(targets);
        }
    });
    found
}

/// Shows every expression of a program to `look`, in no order, and says how deep they
/// are nested.
pub(super) fn walk(program: &Program, mut look: impl FnMut(&Node<Expr>)) -> usize {
    let mut deepest = 0;
    let mut waiting: Vec<(Node<Expr>, usize)> = roots(program).map(|root| (root, 1)).collect();
    while let Some((expression, depth)) = waiting.pop() {
        deepest = deepest.max(depth);
        look(&expression);
        let children = children(expression.into_inner());
        waiting.extend(children.into_iter().map(|child| (child, depth + 1)));
    }
    deepest
}

/// The path of a program that is nothing but a path from the event.
pub(super) fn bare_path(program: &Program) -> Option<(OwnedValuePath, Span)> {
    let mut roots = roots(program);
    let (Some(mut expression), None) = (roots.next(), roots.next()) else {
        return None;
    };
    loop {
        let span = expression.span();
        match expression.into_inner() {
            Expr::Query(query) => {
                let path = from_root(query.inner())?;
                return (path.prefix == PathPrefix::Event).then_some((path.path, span));
            }
            Expr::Container(container) => match container.into_inner() {
                Container::Group(group) => expression = group.into_inner().into_inner(),
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// The expressions of a program one after the other; parts that are no expression
/// are the compiler's to report.
pub(super) fn roots(program: &Program) -> impl Iterator<Item = Node<Expr>> {
    program.0.iter().filter_map(|root| match root.inner() {
        RootExpr::Expr(expression) => Some(expression.clone()),
        RootExpr::Error(_) => None,
    })
}

/// The path of a query that starts at the root.
pub(super) fn from_root(query: &Query) -> Option<OwnedTargetPath> {
    match query.target.inner() {
        QueryTarget::External(prefix) => Some(OwnedTargetPath {
            prefix: *prefix,
            path: query.path.inner().clone(),
        }),
        _ => None,
    }
}

/// What an assignment changes.
pub(super) fn targets(assignment: &Assignment) -> impl Iterator<Item = &Node<AssignmentTarget>> {
    let (one, other) = match assignment {
        Assignment::Single { target, .. } => (target, None),
        Assignment::Infallible { ok, err, .. } => (ok, Some(err)),
    };
    std::iter::once(one).chain(other)
}

/// The path from the root that an assignment changes.
pub(super) fn target_path(target: &AssignmentTarget) -> Option<OwnedTargetPath> {
    match target {
        AssignmentTarget::External(path) => {
            Some(path.clone().unwrap_or_else(OwnedTargetPath::event_root))
        }
        AssignmentTarget::Query(query) => from_root(query),
        AssignmentTarget::Internal(..) | AssignmentTarget::Noop => None,
    }
}

/// The name that a step of a path goes to, if it does not count elements.
pub(super) fn field_name(segment: &OwnedSegment) -> Option<&str> {
    match segment {
        OwnedSegment::Field(name) => Some(name.as_str()),
        OwnedSegment::Index(_) => None,
    }
}

/// The text of a literal that is one.
pub(super) fn literal_text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Literal(literal) => match literal.inner() {
            Literal::RawString(text) => Some(text.clone()),
            Literal::String(template) => template.as_literal_string().map(str::to_owned),
            _ => None,
        },
        _ => None,
    }
}

/// Where a function is given the time zone of the machine.
pub(super) fn local_times(program: &Program) -> Vec<Span> {
    let mut found = Vec::new();
    walk(program, |expression| {
        if let Expr::FunctionCall(call) = expression.inner()
            && call.inner().ident.inner().contains("timestamp")
        {
            let local = call
                .inner()
                .arguments
                .iter()
                .map(|argument| &argument.inner().expr);
            let local = local.filter(|value| {
                literal_text(value.inner()).is_some_and(|text| text.eq_ignore_ascii_case("local"))
            });
            found.extend(local.map(Node::span));
        }
    });
    found
}

/// The expressions right inside an expression.
pub(super) fn children(expression: Expr) -> Vec<Node<Expr>> {
    match expression {
        Expr::Literal(_) | Expr::Variable(_) | Expr::Break(_) => Vec::new(),
        Expr::Container(container) => inside(container.into_inner()),
        Expr::IfStatement(statement) => {
            let statement = statement.into_inner();
            let mut children = match statement.predicate.into_inner() {
                Predicate::One(one) => vec![*one],
                Predicate::Many(many) => many,
            };
            children.extend(statement.if_node.into_inner().0);
            children.extend(
                statement
                    .else_node
                    .into_iter()
                    .flat_map(|block| block.into_inner().0),
            );
            children
        }
        Expr::Op(operation) => {
            let operation = operation.into_inner();
            vec![*operation.0, *operation.2]
        }
        Expr::Assignment(assignment) => match assignment.into_inner() {
            Assignment::Single { expr, .. } | Assignment::Infallible { expr, .. } => vec![*expr],
        },
        Expr::Query(query) => match query.into_inner().target.into_inner() {
            QueryTarget::FunctionCall(call) => arguments(call),
            QueryTarget::Container(container) => inside(container),
            QueryTarget::Internal(_) | QueryTarget::External(_) => Vec::new(),
        },
        Expr::FunctionCall(call) => arguments(call.into_inner()),
        Expr::Unary(unary) => match unary.into_inner() {
            Unary::Not(not) => vec![*not.into_inner().take().1],
        },
        Expr::Abort(abort) => abort
            .into_inner()
            .message
            .into_iter()
            .map(|it| *it)
            .collect(),
        Expr::Return(returned) => vec![*returned.into_inner().expr],
    }
}

fn inside(container: Container) -> Vec<Node<Expr>> {
    match container {
        Container::Group(group) => vec![group.into_inner().into_inner()],
        Container::Block(block) => block.into_inner().0,
        Container::Array(array) => array.into_inner().into_iter().collect(),
        Container::Object(object) => object.into_inner().into_iter().map(|(_, it)| it).collect(),
    }
}

fn arguments(call: FunctionCall) -> Vec<Node<Expr>> {
    let body = call
        .closure
        .map(|closure| closure.into_inner().block.into_inner().0);
    let mut children: Vec<_> = call
        .arguments
        .into_iter()
        .map(|it| it.into_inner().expr)
        .collect();
    children.extend(body.into_iter().flatten());
    children
}
