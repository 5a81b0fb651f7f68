//! JSON Schema 2020-12.

mod bounds;
mod decimal;
mod instance;
mod known;
mod violation;

use jsonschema::{Draft, Validator};
use thiserror::Error;

use crate::shape::Shape;
use crate::{Document, Json, JsonError};
use instance::{Instance, Strict};
pub use violation::Violation;

/// How many violations of one payload are told.
const MAX_VIOLATIONS: usize = 10;

/// A compiled JSON Schema (2020-12).
///
/// Numbers are compared as decimals, digit by digit, in `minimum`, `maximum`, their
/// exclusive sisters, `multipleOf`, `const`, `enum` and `uniqueItems`, and `1.0` is an
/// integer. The numbers in the schema itself are read as 64-bit integers or floats, so
/// a bound there should have no more than 15 digits. `format` is an annotation, as
/// 2020-12 has it, and is not checked.
#[derive(Debug)]
pub struct Schema {
    validator: Validator<Strict>,
    shape: Shape,
}

impl Schema {
    /// Compiles the text of a schema; `name` (its file) is for the errors. Any `$ref`
    /// must lead to a place in the same text.
    ///
    /// # Errors
    /// Not JSON, not a schema, or a `$ref` that leaves the file.
    pub fn compile(name: &str, text: &str) -> Result<Self, SchemaError> {
        // Read strictly first: a duplicate key in a schema is a mistake, too.
        Document::parse(text.as_bytes()).map_err(|source| SchemaError::NotJson {
            name: name.to_owned(),
            source,
        })?;
        let invalid = |message: String| SchemaError::Invalid {
            name: name.to_owned(),
            message,
        };
        let schema: serde_json::Value =
            serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let options = jsonschema::options_for::<Strict>()
            .with_draft(Draft::Draft202012)
            .offline();
        let validator = bounds::exact(options).build(&schema).map_err(|error| {
            let place = error.instance_path().to_string();
            if place.is_empty() {
                invalid(error.to_string())
            } else {
                invalid(format!("at {place}: {error}"))
            }
        })?;
        Ok(Self {
            validator,
            shape: known::shape(&schema),
        })
    }

    /// Validates a value.
    ///
    /// # Errors
    /// What is wrong with it: ten violations at most, messages without payload.
    pub fn validate(&self, value: Json<'_>) -> Result<(), Vec<Violation>> {
        if self.validator.is_valid(Instance::Value(value)) {
            return Ok(());
        }
        Err(self
            .validator
            .iter_errors(Instance::Value(value))
            .take(MAX_VIOLATIONS)
            .map(|error| Violation::new(&error))
            .collect())
    }

    /// What it demands, for programs.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }
}

/// A text that is no usable schema.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not JSON.
    #[error("{name} is not JSON")]
    NotJson {
        /// Its file.
        name: String,
        /// What and where.
        #[source]
        source: JsonError,
    },
    /// Not a schema.
    #[error("{name} is no usable JSON Schema: {message}")]
    Invalid {
        /// Its file.
        name: String,
        /// What and where.
        message: String,
    },
}
