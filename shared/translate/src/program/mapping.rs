//! Webhook mappings: a request in, events out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::compile::{Program, compile, parse};
use super::copies::Reach;
use super::deep_stack::with_deep_stack;
use super::errors::MappingError;
use super::input::{Input, Place};
use super::mapped_event::{MappedEvent, events};
use super::scope::Scope;
use super::{CompileError, mapping_check};
use crate::{Document, Schema};

/// A webhook mapping: a request in, events out.
///
/// It sees `.body`, `.headers`, `.query` and `.received`, and yields one event
/// `{ id, type, subject, time?, data }`, an array of them, or null or `[]` when there
/// is nothing for us. What it only passes on from `.body` comes out digit for digit.
#[derive(Debug)]
pub struct Mapping {
    program: Program,
    ast: vrl::parser::Program,
}

/// What a mapping sees.
#[derive(Debug, Clone, Copy)]
pub struct MappingInput<'a> {
    /// `.body`
    pub body: &'a Document<'a>,
    /// `.headers`, names in lower case
    pub headers: &'a BTreeMap<String, String>,
    /// `.query`
    pub query: &'a BTreeMap<String, String>,
    /// `.received`
    pub received: DateTime<Utc>,
}

impl Mapping {
    /// Compiles a mapping; `name` is its file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(name: &str, source: &str) -> Result<Self, CompileError> {
        let scope = Scope::of_mapping();
        with_deep_stack(name, source, || {
            let ast = parse(name, source, &scope)?.ast;
            let program = compile(name, source, ast.clone(), &scope, Reach::Everywhere)?;
            Ok(Self { program, ast })
        })
    }

    /// What VRL's types tell: a result that is no event, a literal type that the
    /// catalogue has not, data that its schema forbids. The catalogue is every event
    /// type with its schema, if it has one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self, catalogue: &BTreeMap<String, Option<&Schema>>) -> Result<(), CompileError> {
        with_deep_stack(&self.program.name, &self.program.source, || {
            mapping_check::check(&self.program, &self.ast, catalogue)
        })
    }

    /// Runs it. An empty list: nothing for us (null or `[]`).
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, or what it yields is
    /// no event.
    pub fn run(&self, input: MappingInput<'_>) -> Result<Vec<MappedEvent>, MappingError> {
        let name = &self.program.name;
        let outcome = self
            .program
            .run(&input)
            .map_err(|stopped| MappingError::new(name, stopped))?;
        events(&outcome.value, &outcome.copies).map_err(|no_event| MappingError::NotAnEvent {
            program: name.clone(),
            yielded: no_event.yielded,
            help: no_event.help.to_owned(),
        })
    }
}

impl<'a> Input<'a> for MappingInput<'a> {
    fn place(&self, name: &str) -> Option<Place<'a>> {
        Some(match name {
            "body" => Place::Json(self.body.root()),
            "headers" => Place::Map(self.headers),
            "query" => Place::Map(self.query),
            "received" => Place::Time(self.received),
            _ => return None,
        })
    }

    fn names(&self) -> &'static [&'static str] {
        &["body", "headers", "query", "received"]
    }
}
