//! Strict JSON that keeps its text.
//!
//! A document is read once, into a flat list of [`node::Node`]s in the order of the
//! text ("tape"): a container knows where it ends, so skipping it costs nothing, and
//! nothing here recurses.

mod document;
mod error;
mod keys;
mod node;
mod number;
mod parser;
mod string;
mod value;

pub use document::Document;
pub use error::{JsonError, JsonErrorKind};
pub(crate) use number::Digits;
pub(crate) use string::write_quoted;
pub use value::{Elements, Json, JsonKind, Members};

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;
