//! What a payload does that its schema forbids, said without the payload.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

/// The longest message, in characters.
const MAX_MESSAGE: usize = 500;

/// One thing in a payload that its schema forbids.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// JSON pointer into the payload; empty for the whole of it.
    pub pointer: String,
    /// What is wrong there, in terms of the schema: nothing of the payload is in it.
    pub message: String,
}

impl Violation {
    pub(super) fn new(error: &ValidationError<'_>) -> Self {
        Self {
            pointer: error.instance_path().to_string(),
            message: shortened(message(error)),
        }
    }
}

/// jsonschema's own words with "value" in place of the value, but where those words
/// hold names that come from the payload.
fn message(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            members(unexpected.len(), "that the schema does not name")
        }
        ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            members(unexpected.len(), "that no part of the schema allows")
        }
        ValidationErrorKind::PropertyNames { error } => {
            format!("the name of a member is wrong: {}", message(error))
        }
        ValidationErrorKind::FromUtf8 { .. } => "value is not UTF-8 when decoded".to_owned(),
        ValidationErrorKind::FalseSchema => "nothing may be here".to_owned(),
        ValidationErrorKind::AnyOf { .. } => {
            "value is none of what the schema lists under anyOf".to_owned()
        }
        ValidationErrorKind::OneOfNotValid { .. } => {
            "value is none of what the schema lists under oneOf".to_owned()
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "value is more than one of what the schema lists under oneOf".to_owned()
        }
        ValidationErrorKind::Not { .. } => "value is what the schema excludes".to_owned(),
        _ => error.masked().to_string(),
    }
}

fn members(count: usize, which: &str) -> String {
    match count {
        1 => format!("there is a member {which}"),
        count => format!("there are {count} members {which}"),
    }
}

fn shortened(message: String) -> String {
    if message.chars().count() <= MAX_MESSAGE {
        return message;
    }
    message.chars().take(MAX_MESSAGE).chain(['…']).collect()
}
