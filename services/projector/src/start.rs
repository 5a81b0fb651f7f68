//! Where a new projection begins.

use std::borrow::Cow;

use dragoman_core::Position;
use dragoman_settings::Text;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// Where a new projection begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    #[default]
    Beginning,
    /// With what is sealed after it was first started.
    Now,
    /// With the event at this position.
    At(Position),
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        match text.as_str() {
            "beginning" => Ok(Self::Beginning),
            "now" => Ok(Self::Now),
            position => match position.parse() {
                Ok(position) if position >= 1 => Ok(Self::At(Position(position))),
                _ => Err(D::Error::custom(format!(
                    "`{position}` is no place to begin at; write beginning, now, or the position of an event, from 1"
                ))),
            },
        }
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Beginning => serializer.serialize_str("beginning"),
            Self::Now => serializer.serialize_str("now"),
            Self::At(position) => serializer.serialize_str(&position.to_string()),
        }
    }
}

impl JsonSchema for Start {
    fn schema_name() -> Cow<'static, str> {
        "Start".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Start;
    use dragoman_core::Position;

    #[test]
    fn a_place_to_begin_is_a_word_or_a_position() {
        let read = |text: &str| serde_json::from_value::<Start>(text.into());
        assert_eq!(read("beginning").unwrap(), Start::Beginning);
        assert_eq!(read("now").unwrap(), Start::Now);
        assert_eq!(read("42").unwrap(), Start::At(Position(42)));
        for wrong in ["0", "-1", "later", "", "4.2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
