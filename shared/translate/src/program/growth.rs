//! Values that a closure would nest in themselves, once per element.
//!
//! A payload decides how often a closure runs, so it would decide how deep such a
//! value is, and a value that is deep enough ends the process when it is copied.
//!
//! Each assignment in a closure takes values from places (variables, the row of a fold,
//! and what is in them) and puts them so many levels deeper, or higher, into another.
//! Going round from a place to itself must not lead deeper.

use vrl::diagnostic::Span;
use vrl::parser::Program;
use vrl::parser::ast::{
    Assignment, AssignmentTarget, Container, Expr, FunctionCall, Node, Opcode, Query, QueryTarget,
};
use vrl::path::{OwnedSegment, OwnedValuePath};

use super::functions;
use super::row_path::RowPath;
use super::syntax::{children, field_name, from_root, target_path, targets, walk};

/// Functions whose value may be one level deeper than what they are given first.
const DEEPENING: [&str; 4] = ["chunks", "map_values", "to_entries", "zip"];
/// Functions whose value is one level less deep than what they are given.
const FLATTENING: [&str; 1] = ["flatten"];

/// Where something is that a program can change.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    /// A variable; or nothing for the row.
    variable: Option<String>,
    path: Vec<OwnedSegment>,
}

impl Place {
    /// Whether what is at one of them is also at the other, or in it.
    fn meets(&self, other: &Self) -> bool {
        let both = self.path.iter().zip(&other.path);
        self.variable == other.variable && both.into_iter().all(|(one, other)| one == other)
    }

    fn depth(&self) -> isize {
        self.path.len().cast_signed()
    }

    fn shown(&self) -> String {
        match (&self.variable, self.path.get(1).and_then(field_name)) {
            (Some(name), _) => name.clone(),
            (None, Some(column)) => format!(".row.{column}"),
            (None, None) => ".row".to_owned(),
        }
    }
}

/// An assignment in a closure.
struct Taking {
    to: Place,
    /// From where, and how many levels deeper or higher.
    from: Vec<(Place, isize)>,
    span: Span,
}

/// The assignments inside closures that nest something in itself, and what that is.
pub(super) fn self_nested(program: &Program) -> Vec<(String, Span)> {
    let mut takings = Vec::new();
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
            in_closure(closure.inner().block.inner().0.clone(), &mut takings);
        }
    });
    takings.sort_by_key(|taking| taking.span.start());
    takings.dedup_by_key(|taking| taking.span);
    deepened(&takings)
        .into_iter()
        .map(|number| (takings[number].to.shown(), takings[number].span))
        .collect()
}

/// Those that grow deeper each time round. Depths of what cannot be nested in itself
/// are settled after one round for each assignment.
fn deepened(takings: &[Taking]) -> Vec<usize> {
    let mut ways = Vec::new();
    for (into, taking) in takings.iter().enumerate() {
        for (place, deeper) in &taking.from {
            let sources = takings.iter().enumerate();
            let sources = sources.filter(|(_, source)| source.to.meets(place));
            ways.extend(sources.map(|(from, _)| (from, into, *deeper)));
        }
    }
    let mut depths = vec![0_isize; takings.len()];
    for _ in 0..takings.len() {
        if !deepen(&ways, &mut depths, |_| {}) {
            return Vec::new();
        }
    }
    let mut growing = Vec::new();
    deepen(&ways, &mut depths, |number| growing.push(number));
    growing.sort_unstable();
    growing.dedup();
    growing
}

fn deepen(
    ways: &[(usize, usize, isize)],
    depths: &mut [isize],
    mut grown: impl FnMut(usize),
) -> bool {
    let mut any = false;
    for (from, into, deeper) in ways {
        let depth = depths[*from] + deeper;
        if depth > depths[*into] {
            depths[*into] = depth;
            any = true;
            grown(*into);
        }
    }
    any
}

fn in_closure(mut waiting: Vec<Node<Expr>>, takings: &mut Vec<Taking>) {
    while let Some(expression) = waiting.pop() {
        let span = expression.span();
        if let Expr::Assignment(assignment) = expression.inner() {
            let (Assignment::Single { expr, .. } | Assignment::Infallible { expr, .. }) =
                assignment.inner();
            for to in targets(assignment.inner()).filter_map(|target| assigned(target.inner())) {
                let from = taken((**expr).clone(), to.depth());
                takings.push(Taking { to, from, span });
            }
        }
        waiting.extend(children(expression.into_inner()));
    }
}

fn assigned(target: &AssignmentTarget) -> Option<Place> {
    match target {
        AssignmentTarget::Internal(name, path) => Some(Place {
            variable: Some(name.to_string()),
            path: path.clone().map_or_else(Vec::new, |path| path.segments),
        }),
        AssignmentTarget::Query(query) => queried(query),
        AssignmentTarget::External(_) => {
            let path = target_path(target)?;
            RowPath::of(&path)?;
            Some(in_row(path.path))
        }
        AssignmentTarget::Noop => None,
    }
}

fn queried(query: &Query) -> Option<Place> {
    if let QueryTarget::Internal(name) = query.target.inner() {
        return Some(Place {
            variable: Some(name.to_string()),
            path: query.path.inner().segments.clone(),
        });
    }
    let path = from_root(query)?;
    RowPath::of(&path)?;
    Some(in_row(path.path))
}

fn in_row(path: OwnedValuePath) -> Place {
    Place {
        variable: None,
        path: path.segments,
    }
}

/// The places whose values are in the value of `expression`, which is `depth` levels
/// deep in its own place.
fn taken(expression: Node<Expr>, depth: isize) -> Vec<(Place, isize)> {
    let mut found = Vec::new();
    let mut waiting = vec![(expression, depth)];
    while let Some((expression, depth)) = waiting.pop() {
        let inside = match expression.inner() {
            Expr::Variable(name) => {
                let variable = Some(name.inner().to_string());
                let path = Vec::new();
                found.push((Place { variable, path }, depth));
                continue;
            }
            Expr::Query(query) => match queried(query.inner()) {
                Some(place) => {
                    let higher = depth - place.depth();
                    found.push((place, higher));
                    continue;
                }
                None => continue,
            },
            Expr::Container(container) => {
                let deeper = matches!(
                    container.inner(),
                    Container::Array(_) | Container::Object(_)
                );
                depth + isize::from(deeper)
            }
            Expr::IfStatement(_) | Expr::Assignment(_) => depth,
            // What other operators yield has nothing inside it.
            Expr::Op(operation) => match operation.inner().1.inner() {
                Opcode::Or | Opcode::Err | Opcode::Merge => depth,
                _ => continue,
            },
            Expr::FunctionCall(call) if functions::can_nest(call.inner().ident.inner()) => {
                let arguments = call.inner().arguments.iter().enumerate();
                waiting.extend(arguments.map(|(number, argument)| {
                    let deeper = deeper_in(call.inner(), number);
                    (argument.inner().expr.clone(), depth + deeper)
                }));
                continue;
            }
            _ => continue,
        };
        let children = children(expression.into_inner());
        waiting.extend(children.into_iter().map(|child| (child, inside)));
    }
    found
}

/// How many levels deep an argument may be in the value of a call: what comes second is
/// put into what comes first.
fn deeper_in(call: &FunctionCall, number: usize) -> isize {
    let name = &**call.ident.inner();
    if FLATTENING.contains(&name) {
        return -1;
    }
    isize::from(number > 0 || DEEPENING.contains(&name))
}
