//! Variables that a closure would nest in themselves, once per element.
//!
//! A payload decides how often a closure runs, so it would decide how deep such a
//! value is, and a value that is deep enough ends the process when it is copied.

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::{
    Assignment, AssignmentTarget, Container, Expr, FunctionCall, Node, Opcode, QueryTarget,
};

use super::syntax::{children, walk};

/// Functions that put what they are given second into what they are given first.
const PUT_INTO: [&str; 4] = ["append", "merge", "push", "zip"];

/// The assignments inside closures that nest a variable in itself.
pub(super) fn self_nested(program: &Program) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    walk(program, |expression| {
        let call = match expression.inner() {
            Expr::FunctionCall(call) => call.inner(),
            Expr::Query(query) => match query.inner().target.inner() {
                QueryTarget::FunctionCall(call) => call,
                _ => return,
            },
            _ => return,
        };
        if let Some(closure) = &call.closure {
            in_closure(closure.inner().block.inner().0.clone(), &mut found);
        }
    });
    found.sort_by_key(|(_, span)| span.start());
    found.dedup();
    found
}

fn in_closure(mut waiting: Vec<Node<Expr>>, found: &mut Vec<(String, Span)>) {
    while let Some(expression) = waiting.pop() {
        let span = expression.span();
        if let Expr::Assignment(assignment) = expression.inner()
            && let Assignment::Single { target, expr, .. } = assignment.inner()
            && let AssignmentTarget::Internal(name, _) = target.inner()
            && nests((**expr).clone(), name)
        {
            found.push((name.to_string(), span));
        }
        waiting.extend(children(expression.into_inner()));
    }
}

/// Whether the value of `expression` has the variable `name` inside it.
fn nests(expression: Node<Expr>, name: &str) -> bool {
    let mut waiting = vec![(expression, false)];
    while let Some((expression, inside)) = waiting.pop() {
        let inside = match expression.inner() {
            Expr::Variable(variable) if &**variable.inner() == name && inside => return true,
            Expr::Container(container) => {
                inside
                    || matches!(
                        container.inner(),
                        Container::Array(_) | Container::Object(_)
                    )
            }
            Expr::IfStatement(_) => inside,
            // What other operators yield has nothing inside it.
            Expr::Op(operation) => match operation.inner().1.inner() {
                Opcode::Or | Opcode::Err | Opcode::Merge => inside,
                _ => continue,
            },
            Expr::FunctionCall(call) if puts_into(call.inner()) => {
                let arguments = call.inner().arguments.iter().enumerate();
                waiting.extend(arguments.map(|(number, argument)| {
                    (argument.inner().expr.clone(), inside || number > 0)
                }));
                continue;
            }
            _ => continue,
        };
        let children = children(expression.into_inner());
        waiting.extend(children.into_iter().map(|child| (child, inside)));
    }
    false
}

fn puts_into(call: &FunctionCall) -> bool {
    PUT_INTO.contains(&&**call.ident.inner())
}
