//! The types that a column may have.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use dragoman_translate::Kinds;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use thiserror::Error;

/// The most digits that Postgres lets `numeric(p,s)` declare.
const MAX_PRECISION: u16 = 1_000;

/// The names, as a person writes them; `numeric` may have its digits behind it.
const NAMES: [&str; 10] = [
    "text",
    "bigint",
    "integer",
    "numeric",
    "double precision",
    "boolean",
    "timestamptz",
    "date",
    "uuid",
    "jsonb",
];

/// Every kind of value that JSON has but null: what a program is said to yield when
/// nothing is known.
const ANY_JSON: Kinds = Kinds::BOOLEAN
    .union(Kinds::INTEGER)
    .union(Kinds::FLOAT)
    .union(Kinds::STRING)
    .union(Kinds::ARRAY)
    .union(Kinds::OBJECT);

/// A type of the database that a column may have. `Display` writes it as SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `text`
    Text,
    /// `bigint`
    Bigint,
    /// `integer`
    Integer,
    /// `numeric`, `numeric(p)`, `numeric(p,s)`
    Numeric {
        /// Digits in all, and of those after the point.
        precision: Option<(u16, i16)>,
    },
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `timestamptz`
    Timestamp,
    /// `date`
    Date,
    /// `uuid`
    Uuid,
    /// `jsonb`
    Json,
}

/// A text that names no type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ColumnTypeError {
    /// There is no such type.
    #[error("`{name}` is no type of a column; there are: {}", NAMES.join(", "))]
    Unknown {
        /// What was written.
        name: String,
    },
    /// `numeric` with digits that it cannot have.
    #[error(
        "`{name}` cannot be; write numeric(p,s) with p digits in all, 1 to {MAX_PRECISION}, and s of them after the point, 0 to p"
    )]
    Digits {
        /// What was written.
        name: String,
    },
}

impl ColumnType {
    /// Whether values can be added up in it, so that the sum does not depend on how
    /// they are grouped. Sums of binary floats do.
    #[must_use]
    pub const fn can_add(self) -> bool {
        matches!(self, Self::Bigint | Self::Integer | Self::Numeric { .. })
    }

    /// Whether its values have an order that people mean.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        match self {
            Self::Text
            | Self::Bigint
            | Self::Integer
            | Self::Numeric { .. }
            | Self::Double
            | Self::Timestamp
            | Self::Date => true,
            Self::Boolean | Self::Uuid | Self::Json => false,
        }
    }

    /// Whether two values are the same row exactly when they are written the same or
    /// mean the same number or time.
    #[must_use]
    pub const fn can_be_key(self) -> bool {
        !matches!(self, Self::Double | Self::Json)
    }

    /// The kinds of value that it takes, beside null.
    #[must_use]
    pub const fn accepts(self) -> Kinds {
        match self {
            Self::Text | Self::Uuid | Self::Date => Kinds::STRING,
            // A schema's `number` is typed as float, and 5 is one too.
            Self::Bigint | Self::Integer | Self::Numeric { .. } | Self::Double => {
                Kinds::INTEGER.union(Kinds::FLOAT)
            }
            Self::Boolean => Kinds::BOOLEAN,
            Self::Timestamp => Kinds::TIMESTAMP.union(Kinds::STRING),
            Self::Json => Kinds::ANY,
        }
    }

    /// What it takes beside null, for people.
    pub(crate) const fn values(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bigint | Self::Integer => "whole numbers",
            Self::Numeric { .. } | Self::Double => "numbers",
            Self::Boolean => "true and false",
            Self::Timestamp => "times, and text that is one",
            Self::Date => "text that is a date",
            Self::Uuid => "text that is a UUID",
            Self::Json => "anything",
        }
    }

    /// Whether what a program may yield fits, as far as types tell: it is unknown, or
    /// nothing else than this type takes.
    #[must_use]
    pub const fn fits(self, kinds: Kinds) -> bool {
        ANY_JSON.within(kinds) || kinds.within(self.accepts().union(Kinds::NULL))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::Bigint => "bigint",
            Self::Integer => "integer",
            Self::Numeric { precision: None } => "numeric",
            Self::Numeric {
                precision: Some((digits, scale)),
            } => return write!(formatter, "numeric({digits},{scale})"),
            Self::Double => "double precision",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamptz",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Json => "jsonb",
        })
    }
}

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, ColumnTypeError> {
        let name = text
            .to_ascii_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        Ok(match name.as_str() {
            "text" => Self::Text,
            "bigint" => Self::Bigint,
            "integer" => Self::Integer,
            "numeric" => Self::Numeric { precision: None },
            "double precision" => Self::Double,
            "boolean" => Self::Boolean,
            "timestamptz" => Self::Timestamp,
            "date" => Self::Date,
            "uuid" => Self::Uuid,
            "jsonb" => Self::Json,
            other => match other.strip_prefix("numeric") {
                Some(digits) if digits.trim_start().starts_with('(') => Self::Numeric {
                    precision: Some(digits_of(digits).ok_or_else(|| ColumnTypeError::Digits {
                        name: text.to_owned(),
                    })?),
                },
                _ => {
                    return Err(ColumnTypeError::Unknown {
                        name: text.to_owned(),
                    });
                }
            },
        })
    }
}

/// `(p)` or `(p,s)`.
fn digits_of(text: &str) -> Option<(u16, i16)> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (digits, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let digits: u16 = digits.trim().parse().ok()?;
    let scale: u16 = scale.trim().parse().ok()?;
    if !(1..=MAX_PRECISION).contains(&digits) || scale > digits {
        return None;
    }
    Some((digits, i16::try_from(scale).ok()?))
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| match error {
            // So that whoever reads the file can suggest the closest.
            ColumnTypeError::Unknown { name } => D::Error::unknown_variant(&name, &NAMES),
            digits @ ColumnTypeError::Digits { .. } => D::Error::custom(digits),
        })
    }
}

impl JsonSchema for ColumnType {
    fn schema_name() -> Cow<'static, str> {
        "ColumnType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": NAMES },
                { "type": "string", "pattern": "^numeric *\\( *[0-9]+ *(, *[0-9]+ *)?\\)$" }
            ]
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ColumnType, ColumnTypeError, NAMES};
    use dragoman_translate::Kinds;

    #[test]
    fn every_name_is_read_and_written_and_other_digits_are_refused() {
        for name in NAMES {
            assert_eq!(name.parse::<ColumnType>().unwrap().to_string(), name);
        }
        for (written, read) in [
            ("numeric(14,2)", "numeric(14,2)"),
            ("NUMERIC (14 , 2)", "numeric(14,2)"),
            ("numeric(8)", "numeric(8,0)"),
            ("Double  Precision", "double precision"),
        ] {
            assert_eq!(written.parse::<ColumnType>().unwrap().to_string(), read);
        }
        for wrong in [
            "numeric(0)",
            "numeric(2,3)",
            "numeric(1001)",
            "numeric(2,-1)",
            "numeric(",
            "numeric()",
            "numeric(1,2,3)",
        ] {
            let error = wrong.parse::<ColumnType>().unwrap_err();
            assert!(matches!(error, ColumnTypeError::Digits { .. }), "{wrong}");
        }
        for wrong in ["int", "varchar", "numerics", ""] {
            let error = wrong.parse::<ColumnType>().unwrap_err();
            assert!(matches!(error, ColumnTypeError::Unknown { .. }), "{wrong}");
        }
    }

    #[test]
    fn what_is_unknown_fits_and_what_is_known_must() {
        let bigint = ColumnType::Bigint;
        assert!(bigint.fits(Kinds::ANY));
        assert!(bigint.fits(Kinds::INTEGER.union(Kinds::NULL)));
        assert!(bigint.fits(Kinds::FLOAT));
        assert!(!bigint.fits(Kinds::STRING));
        assert!(!bigint.fits(Kinds::INTEGER.union(Kinds::STRING)));
        assert!(ColumnType::Json.fits(Kinds::OBJECT));
        assert!(ColumnType::Timestamp.fits(Kinds::STRING));
    }
}
