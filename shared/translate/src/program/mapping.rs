//! Webhook mappings: a request in, events out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vrl::value::Value;

use super::compile::{Program, compile, parse, with_deep_stack};
use super::copies::{Copies, Reach, copy_of};
use super::errors::MappingError;
use super::input::{Input, Place};
use super::scope::Scope;
use super::types::kinds_in;
use super::write::{text, write};
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

/// An event as a mapping yields it: not yet checked against the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedEvent {
    /// Unique within the adapter's source.
    pub id: String,
    /// Its type, which may not be in the catalogue.
    pub event_type: String,
    /// What it is about.
    pub subject: String,
    /// Absent: the mapping gave none, take the time of receipt.
    pub time: Option<DateTime<Utc>>,
    /// JSON text.
    pub data: String,
}

/// The members that an event of a mapping has.
pub(super) const MEMBERS: [&str; 5] = ["id", "type", "subject", "time", "data"];

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
        let no_event = |yielded: String, help: &str| MappingError::NotAnEvent {
            program: name.clone(),
            yielded,
            help: help.to_owned(),
        };
        match &outcome.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(events) if copy_of(&outcome.value).is_none() => events
                .iter()
                .enumerate()
                .map(|(number, value)| {
                    event(value, &outcome.copies).map_err(|(yielded, help)| {
                        no_event(format!("{yielded} in event {}", number + 1), help)
                    })
                })
                .collect(),
            value => event(value, &outcome.copies)
                .map(|event| vec![event])
                .map_err(|(yielded, help)| no_event(yielded, help)),
        }
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

/// What is wrong, in words that go on after "it yields", and what to do.
type NoEvent = (String, &'static str);

const SHAPE: &str = "an event is { id, type, subject, data } and may have a time; null or [] \
                     means that there is none";
const TEXT: &str = "id, type and subject are text: turn a number into one with to_string!(…)";
const TIME: &str = "leave it out, or give a timestamp or a text as 2026-07-01T12:00:00Z";

fn event(value: &Value, copies: &Copies<'_>) -> Result<MappedEvent, NoEvent> {
    let Value::Object(members) = value else {
        let kinds = kinds_in(&vrl::value::Kind::from(value));
        return Err((format!("{kinds} where an event should be"), SHAPE));
    };
    if copy_of(value).is_some() {
        return Err(("a part of `.body` as it came".to_owned(), SHAPE));
    }
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err((format!("an unknown member `{}`", shortened(unknown)), SHAPE));
    }
    let attribute = |name: &str| match members.get(name) {
        None => Err((format!("no `{name}`"), SHAPE)),
        Some(Value::Null) => Err((format!("null as `{name}`"), TEXT)),
        Some(value) => text(value).map_err(|found| {
            let found = match value {
                Value::Bytes(_) if copy_of(value).is_some() => "a number".to_owned(),
                _ => found,
            };
            (format!("{found} as `{name}`"), TEXT)
        }),
    };
    let time = match members.get("time") {
        None | Some(Value::Null) => None,
        Some(Value::Timestamp(time)) => Some(*time),
        Some(value) => Some(
            text(value)
                .ok()
                .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(DateTime::<Utc>::from)
                .ok_or_else(|| ("a `time` that is none".to_owned(), TIME))?,
        ),
    };
    let mut data = String::new();
    match members.get("data") {
        None => return Err(("no `data`".to_owned(), SHAPE)),
        Some(value) => write(value, copies, 1, &mut data)
            .map_err(|yielded| (format!("{yielded} in `data`"), SHAPE))?,
    }
    Ok(MappedEvent {
        id: attribute("id")?,
        event_type: attribute("type")?,
        subject: attribute("subject")?,
        time,
        data,
    })
}

fn shortened(name: &str) -> String {
    if name.chars().count() > 40 {
        name.chars().take(40).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}
