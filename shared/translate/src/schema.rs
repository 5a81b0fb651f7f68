//! JSON Schema 2020-12.
use crate::Json;
use thiserror::Error;

/// A compiled JSON Schema (2020-12).
#[derive(Debug)]
pub struct Schema {}

impl Schema {
    /// Compiles the text of a schema; `name` (its file) is for the errors.
    ///
    /// # Errors
    /// Not JSON, not a schema, or a `$ref` that leaves the file.
    pub fn compile(name: &str, text: &str) -> Result<Self, SchemaError> {
        let _ = (name, text);
        todo!()
    }

    /// Validates a value.
    ///
    /// # Errors
    /// What is wrong with it: ten violations at most, messages without payload.
    pub fn validate(&self, value: Json<'_>) -> Result<(), Vec<Violation>> {
        let _ = value;
        todo!()
    }
}

/// One thing in a payload that its schema forbids.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// JSON pointer into the payload; empty for the whole of it.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// A text that is no usable schema.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not a schema.
    #[error("{name}: {message}")]
    Invalid {
        /// Its file.
        name: String,
        /// What and where.
        message: String,
    },
}
