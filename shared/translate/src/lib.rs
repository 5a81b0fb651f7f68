//! From bytes to events and from events to columns: strict decoding, JSON Schema,
//! VRL programs. Pure: no clock, no I/O, no runtime; everything is `Send + Sync`.
//!
//! The way in: [`Document::parse`] reads a body strictly and keeps its text
//! ([`xml_to_json`] and [`form_to_json`] make JSON of other forms before),
//! [`Mapping::run`] turns it into [`MappedEvent`]s, [`Schema::validate`] says
//! whether their data is what the catalogue promises.
//!
//! The way out: [`EventView::read`] opens a stored event, [`Each::items`] finds its
//! rows, [`Expression::evaluate`] yields a [`Cell`] for a column. [`Fold::run`] makes of
//! a row and an event what the row becomes, [`RequestProgram::run`] the request for an
//! event, and [`Condition::holds`] says yes or no about the answer to it.
//!
//! # What is guaranteed about numbers
//!
//! A document keeps its text. Whatever is *copied* by a bare path, into a column
//! (`.item.amount`), the data of a mapped event (`data: .body.order`), the body of a
//! request or the row of a fold (`.row.total = .data.total`), comes out digit for digit,
//! however many digits there are; so does what a fold leaves as it is. Whatever is
//! *computed* goes through VRL, which holds 64-bit integers and binary floats: a number
//! that a program may read and that those cannot hold exactly is an error that names its
//! path ([`InexactNumber`]), never a silently rounded value. Numbers that a program
//! cannot reach do not matter to it.
//!
//! *Copied* is what stands as a path where a result is made up: as the last expression,
//! in the branches of an `if` that is it, in array and object literals, beside `??` and
//! `||`, inside `array!(…)` and `object!(…)`, and in a variable of which nothing else is
//! made; in a fold, so in what is assigned to a column that the program does not read. *Reads* is everything else: a path to an object or array reads all that is in
//! it. What VRL does with exact numbers is its own: integer arithmetic wraps around at
//! 64 bits, and arithmetic on floats rounds.
//!
//! # What is guaranteed about programs
//!
//! They are deterministic and reach nothing outside: no clock, no randomness, no
//! environment, no network; times without an offset are UTC. What comes in cannot be
//! changed, the row of a fold excepted. They end after a million steps at the latest.
//! Sources of more than 64 KiB or nested more than 256 deep are refused, and a function
//! that panics on a payload is a failed program.

mod decode;
mod json;
mod program;
mod schema;
mod shape;

pub use decode::{
    DecodeError, FormError, MAX_XML_DEPTH, XmlError, XmlErrorKind, form_to_json, xml_to_json,
};
pub use json::{Document, Elements, Json, JsonError, JsonErrorKind, JsonKind, MAX_DEPTH, Members};
pub use program::{
    AnswerView, Cell, ColumnKind, CompileError, Condition, Each, EvaluateError, EventScope,
    EventView, Expression, Fold, FoldColumn, FoldInput, FoldOutcome, FoldRunner, InexactNumber,
    Item, Kinds, MappedEvent, MappedRequest, Mapping, MappingError, MappingInput, Problem,
    RequestBody, RequestProgram,
};
pub use schema::{Schema, SchemaError, Violation};
