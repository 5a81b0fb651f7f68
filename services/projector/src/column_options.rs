//! `key:` and `columns:` of a projection as the configuration has them.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer as _, MapAccess, Visitor};

use crate::{ColumnType, Operator};

/// A column of the key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyOptions {
    /// Its type in the database; `numeric` may say its digits, as in `numeric(14,2)`.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// The program that yields it. An event for which it is null is parked.
    pub from: String,
}

/// A column beside the key.
#[derive(Debug, Clone, JsonSchema)]
#[serde(untagged)]
pub enum ColumnOptions {
    /// One that an operator keeps.
    Operated(OperatorOptions),
    /// One that a fold keeps: its type alone.
    Folded(ColumnType),
}

impl ColumnOptions {
    /// Its type in the database.
    #[must_use]
    pub const fn column_type(&self) -> ColumnType {
        match self {
            Self::Folded(column_type) => *column_type,
            Self::Operated(options) => options.column_type,
        }
    }
}

impl<'de> Deserialize<'de> for ColumnOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeOrOperator;

        impl<'de> Visitor<'de> for TypeOrOperator {
            type Value = ColumnOptions;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a type, or a type and an operator")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ColumnOptions, E> {
                ColumnType::deserialize(text.into_deserializer()).map(ColumnOptions::Folded)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnOptions, A::Error> {
                OperatorOptions::deserialize(MapAccessDeserializer::new(map))
                    .map(ColumnOptions::Operated)
            }
        }

        deserializer.deserialize_any(TypeOrOperator)
    }
}

/// A column that an operator keeps. Null leaves the column as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorOptions {
    /// Its type in the database; `numeric` may say its digits, as in `numeric(14,2)`:
    /// each value is rounded to them.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// A program; its value is added to what the row holds. For whole numbers and
    /// `numeric`.
    #[serde(default)]
    pub add: Option<String>,
    /// A program; the smallest value stays. For numbers, times and text (by its bytes).
    #[serde(default)]
    pub min: Option<String>,
    /// A program; the largest value stays. For numbers, times and text (by its bytes).
    #[serde(default)]
    pub max: Option<String>,
    /// A program; the last value stays.
    #[serde(default)]
    pub set: Option<String>,
    /// A program; the first value stays.
    #[serde(default)]
    pub first: Option<String>,
}

impl OperatorOptions {
    /// The operators that it has, with their programs.
    pub(crate) fn operators(&self) -> impl Iterator<Item = (Operator, &str)> {
        Operator::ALL.into_iter().filter_map(|operator| {
            let program = match operator {
                Operator::Add => &self.add,
                Operator::Min => &self.min,
                Operator::Max => &self.max,
                Operator::Set => &self.set,
                Operator::First => &self.first,
            };
            program.as_deref().map(|program| (operator, program))
        })
    }
}
