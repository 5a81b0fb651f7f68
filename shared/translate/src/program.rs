//! VRL programs.
#![allow(missing_docs)]
use crate::{Document, Json, JsonError, Schema};
use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use dragoman_core::Event;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// A program that does not compile, or that cannot do what it is for. `Display` is
/// the whole report: name, line, column, excerpt, what to do, for each problem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} does not compile")]
pub struct CompileError {
    /// The file of the program, or its place in the configuration.
    pub name: String,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the program, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The lines of source with the place marked.
    pub excerpt: String,
    /// What to do about it.
    pub help: Vec<String>,
}

/// A webhook mapping: a request in, events out.
#[derive(Debug)]
pub struct Mapping {}

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
    pub id: String,
    pub event_type: String,
    pub subject: String,
    /// Absent: the mapping gave none, take the time of receipt.
    pub time: Option<DateTime<Utc>>,
    /// JSON text.
    pub data: String,
}

impl Mapping {
    /// Compiles a mapping; `name` is its file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(name: &str, source: &str) -> Result<Self, CompileError> {
        let _ = (name, source);
        todo!()
    }

    /// What VRL's types tell: a result that is no event, a literal type that the
    /// catalogue has not, data that its schema forbids. The catalogue is every event
    /// type with its schema, if it has one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self, catalogue: &BTreeMap<String, Option<&Schema>>) -> Result<(), CompileError> {
        let _ = catalogue;
        todo!()
    }

    /// Runs it. An empty list: nothing for us (null or `[]`).
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, or what it yields is no event.
    pub fn run(&self, input: MappingInput<'_>) -> Result<Vec<MappedEvent>, MappingError> {
        let _ = input;
        todo!()
    }
}

/// Why a delivery could not be mapped. All of them quarantine it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The program stopped with an error.
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
    /// A number that the program may read cannot be held exactly.
    #[error(transparent)]
    Inexact(#[from] InexactNumber),
}

/// A number that a program may read and that it cannot hold exactly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the number {digits} at {path} cannot be held exactly")]
pub struct InexactNumber {
    /// The path as a program writes it.
    pub path: String,
    /// The number as it came, shortened when it is long.
    pub digits: String,
}

/// What programs after the log can see and how it is typed: the event types that
/// they serve, and the element if there is one.
#[derive(Debug, Clone)]
pub struct EventScope {}

impl EventScope {
    /// The scope of events of several types, each with its schema if it has one.
    #[must_use]
    pub fn of<'s>(schemas: impl IntoIterator<Item = Option<&'s Schema>>) -> Self {
        let _ = schemas.into_iter();
        todo!()
    }

    /// This scope with `.item`, an element of what `each` yields.
    #[must_use]
    pub fn with_items_of(&self, each: &Each) -> Self {
        let _ = each;
        todo!()
    }
}

/// An event of the log, opened for programs: parse once, evaluate many.
#[derive(Debug)]
pub struct EventView<'a> {
    event: &'a Event,
    data: Document<'a>,
}

impl<'a> EventView<'a> {
    /// Opens an event.
    ///
    /// # Errors
    /// Its data is no strict JSON.
    pub fn read(event: &'a Event) -> Result<Self, JsonError> {
        Ok(Self {
            event,
            data: Document::parse(event.data.as_bytes())?,
        })
    }
    /// The event.
    #[must_use]
    pub fn event(&self) -> &'a Event {
        self.event
    }
    /// Its data.
    #[must_use]
    pub fn data(&self) -> Json<'_> {
        self.data.root()
    }
}

/// The program that yields the elements of an event, one row for each.
#[derive(Debug)]
pub struct Each {}

impl Each {
    /// Compiles it; `name` is its place in the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it; also, that it can never yield an array.
    pub fn compile(name: &str, source: &str, scope: &EventScope) -> Result<Self, CompileError> {
        let _ = (name, source, scope);
        todo!()
    }

    /// The elements; none when what it names is missing or null.
    ///
    /// # Errors
    /// It yields something else than an array, or as [`Expression::evaluate`].
    pub fn items<'v>(&self, view: &'v EventView<'_>) -> Result<Vec<Item<'v>>, EvaluateError> {
        let _ = view;
        todo!()
    }
}

/// One element of what an [`Each`] yields.
#[derive(Debug, Clone)]
pub struct Item<'v>(std::marker::PhantomData<&'v ()>);

/// A program that yields the value of a key or a column.
#[derive(Debug)]
pub struct Expression {}

impl Expression {
    /// Compiles it; `name` is its place in the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(name: &str, source: &str, scope: &EventScope) -> Result<Self, CompileError> {
        let _ = (name, source, scope);
        todo!()
    }

    /// What it may yield, as far as types tell.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        todo!()
    }

    /// Whether it is a bare path, whose digits are copied.
    #[must_use]
    pub fn is_bare_path(&self) -> bool {
        todo!()
    }

    /// Whether it reads nothing of the event but `.subject` (or nothing at all).
    #[must_use]
    pub fn reads_only_subject(&self) -> bool {
        todo!()
    }

    /// Its value for an event (and an element). A path to what is missing is null.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, or the event does not fit its schema.
    pub fn evaluate(
        &self,
        view: &EventView<'_>,
        item: Option<&Item<'_>>,
    ) -> Result<Cell, EvaluateError> {
        let _ = (view, item);
        todo!()
    }
}

/// A value for a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    /// A whole number, written without fraction or exponent, of 64 bits.
    Integer(i64),
    /// Any other number, exact. Fits Postgres' `numeric`: at most 131,072 digits
    /// before the point and 16,383 after it.
    Decimal(BigDecimal),
    Text(String),
    Timestamp(DateTime<Utc>),
    /// An array or an object as JSON text.
    Json(String),
}

impl Cell {
    /// As JSON text: what a `jsonb` column takes.
    #[must_use]
    pub fn to_json(&self) -> String {
        todo!()
    }
}

/// The kinds of value that a program may yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    pub const NULL: Self = Self(1);
    pub const BOOLEAN: Self = Self(2);
    pub const INTEGER: Self = Self(4);
    pub const FLOAT: Self = Self(8);
    pub const STRING: Self = Self(16);
    pub const TIMESTAMP: Self = Self(32);
    pub const ARRAY: Self = Self(64);
    pub const OBJECT: Self = Self(128);
    /// Everything: nothing is known.
    pub const ANY: Self = Self(255);

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether they have something in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// Whether all of `self` is in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Why a program yields no value for an event. The event, not the hub, is at fault:
/// its subject is parked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The program stopped with an error.
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
    /// A number that the program may read cannot be held exactly.
    #[error(transparent)]
    Inexact(#[from] InexactNumber),
}
