//! What types tell about a request before the program has run.

use vrl::diagnostic::Span;
use vrl::value::Kind;

use super::super::compile::Program;
use super::super::known_kinds::kinds_in;
use super::super::literals::{self, Literal};
use super::super::report::Problem;
use super::super::scope::Scope;
use super::mapped::{HEADERS, MEMBERS, METHOD, METHODS, PATH, QUERY, SHAPE};
use super::path;
use crate::{CompileError, Kinds};

const SCALARS: Kinds = Kinds::STRING
    .union(Kinds::NUMBER)
    .union(Kinds::BOOLEAN)
    .union(Kinds::TIMESTAMP)
    .union(Kinds::NULL);

/// Everything that is wrong with the requests that a program makes, as far as types
/// tell.
pub(super) fn check(
    program: &Program,
    ast: &vrl::parser::Program,
    scope: &Scope,
) -> Result<(), CompileError> {
    let source = &program.source;
    let kinds = kinds_in(&program.kind);
    if !kinds.intersects(Kinds::OBJECT.union(Kinds::NULL)) {
        return Err(CompileError::of_whole(
            &program.name,
            source,
            &format!("this can never yield a request; it yields {kinds}"),
            SHAPE,
        ));
    }
    let mut problems = Vec::new();
    let mut object = |span: Span, message: String, help: &str| {
        problems.push(Problem::at(source, span, message, "", [help]));
    };
    let written = literals::find(ast);
    for (number, literal) in written.objects.iter().enumerate() {
        check_texts(literal, &mut object);
        for (name, member) in &literal.members {
            let Some((allowed, help)) = allowed(name) else {
                let message = format!("a request has no member `{name}`");
                object(member.span, message, SHAPE);
                continue;
            };
            if let Some(kind) = literals::kind_of(ast, &written, (number, name), scope) {
                for message in objections(name, &kind, allowed) {
                    object(member.span, message, help);
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(CompileError {
        name: program.name.clone(),
        problems,
    })
}

/// What a member may be, and what helps when it is not; nothing when there is no such
/// member.
fn allowed(name: &str) -> Option<(Kinds, &'static str)> {
    if !MEMBERS.contains(&name) {
        return None;
    }
    Some(match name {
        "method" => (Kinds::STRING, METHOD),
        "path" => (Kinds::STRING, PATH),
        "headers" => (Kinds::OBJECT, HEADERS),
        "query" => (Kinds::OBJECT, QUERY),
        _ => (Kinds::ANY, SHAPE),
    })
}

/// Texts that stand in the program.
fn check_texts(literal: &Literal, object: &mut impl FnMut(Span, String, &str)) {
    let text = |name: &str| {
        let member = literal.members.get(name)?;
        Some((member.span, member.text.as_deref()?))
    };
    if let Some((span, method)) = text("method")
        && !METHODS.contains(&method.to_ascii_uppercase().as_str())
    {
        object(span, format!("there is no method `{method}` here"), METHOD);
    }
    if let Some((span, path)) = text("path")
        && let Some(objection) = path::objection(path)
    {
        object(span, format!("this is {objection}"), PATH);
    }
}

fn objections(name: &str, kind: &Kind, allowed: Kinds) -> Vec<String> {
    let kinds = kinds_in(kind);
    if !kinds.intersects(allowed.union(Kinds::NULL)) {
        return vec![format!("`{name}` is {kinds}; it must be {allowed}")];
    }
    if allowed != Kinds::OBJECT {
        return Vec::new();
    }
    let known = kind
        .as_object()
        .into_iter()
        .flat_map(|members| members.known());
    known
        .map(|(member, kind)| (member, kinds_in(kind)))
        .filter(|(_, kinds)| !kinds.intersects(SCALARS))
        .map(|(member, kinds)| {
            format!("`{name}.{member}` is {kinds}; it must be text, number or boolean")
        })
        .collect()
}
