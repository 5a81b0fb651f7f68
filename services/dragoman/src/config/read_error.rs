//! Why a value could not be read, and where it stands.

use std::fmt;

use dragoman_settings::suggest;
use serde::de::{self, Unexpected};

use super::document::{Key, Node};
use super::problem::Place;

/// Why a value could not be read. `place` is filled in on the way out, by the first
/// key or value that the error passes.
#[derive(Debug, Clone)]
pub(crate) struct ReadError {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
    pub(crate) remedy: String,
    /// A missing key has no place of its own: that of the key above it is right.
    pub(super) above: bool,
}

impl ReadError {
    pub(super) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            remedy: remedy.into(),
            above: false,
        }
    }

    pub(super) fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// Fills in the place, on the way out through an entry of a map.
    pub(super) fn under(self, key: &Key, value: &Node) -> Self {
        let place = if self.above { key.place } else { value.place };
        self.at(place)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    /// What the values of `dragoman-settings` say is "what is wrong; what to do".
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        match text.split_once("; ") {
            Some((message, remedy)) => Self::new(message, remedy),
            None => Self::new(text, ""),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            format!("unknown key `{field}`"),
            suggest(field, expected.iter().copied()),
        )
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            format!("`{variant}` is none of those that there are"),
            suggest(variant, expected.iter().copied()),
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            above: true,
            ..Self::new(
                format!("the key `{field}` is missing"),
                format!("add `{field}:` under this"),
            )
        }
    }

    /// Says what kind of value was found and never the value: it may be a secret.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Map => "keys and values",
            Unexpected::Seq => "a list",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) => "text",
            Unexpected::Bytes(_)
            | Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => "something else",
        };
        Self::new(
            format!("here stands {found}, and expected is {expected}"),
            "look it up in docs/configuration.md, or let your editor help: `dragoman schema --help`",
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
                Self::new(format!("this number is not {expected}"), "correct it")
            }
            other => Self::invalid_type(other, expected),
        }
    }
}
