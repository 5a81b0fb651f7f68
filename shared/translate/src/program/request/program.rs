//! Programs that yield a request.

use super::super::compile::{Program, compile, parse};
use super::super::copies::Reach;
use super::super::deep_stack::with_deep_stack;
use super::super::view::EventInput;
use super::check;
use super::mapped::{MappedRequest, request};
use crate::{CompileError, EvaluateError, EventScope, EventView};

/// A program that makes the request for an event: `{ method, path, query, headers,
/// body }`, each of which may be left out, or null when nothing is to be sent.
///
/// What it only passes on from the event comes out digit for digit.
#[derive(Debug)]
pub struct RequestProgram {
    program: Program,
}

impl RequestProgram {
    /// Compiles it; `name` is its file.
    ///
    /// # Errors
    /// Everything that is wrong with it; also what types tell: that it yields no
    /// request, a member that a request has not, or one of the wrong kind.
    pub fn compile(name: &str, source: &str, scope: &EventScope) -> Result<Self, CompileError> {
        let scope = &scope.scope;
        with_deep_stack(name, source, || {
            let ast = parse(name, source, scope)?.ast;
            let program = compile(name, source, ast.clone(), scope, Reach::Everywhere)?;
            check::check(&program, &ast, scope)?;
            Ok(Self { program })
        })
    }

    /// The request for an event; none when there is nothing to send.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, the event does not
    /// fit its schema, or what it yields is no request.
    pub fn run(&self, view: &EventView<'_>) -> Result<Option<MappedRequest>, EvaluateError> {
        let name = &self.program.name;
        let outcome = self
            .program
            .run(&EventInput { view, item: None })
            .map_err(|stopped| EvaluateError::new(name, stopped))?;
        request(&outcome.value, &outcome.copies).map_err(|no_request| {
            EvaluateError::unusable(name, no_request.yielded, no_request.help)
        })
    }
}
