//! Values for columns.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use chrono::{DateTime, SecondsFormat, Utc};
use vrl::value::Value;

use super::stand_in::{Copied, Copies, copied};
use super::write::{text, write};
use crate::json::{Digits, write_quoted};
use crate::shape::NumberForm;
use crate::{Json, JsonKind};

/// A value for a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// null, or nothing there.
    Null,
    /// true or false
    Boolean(bool),
    /// A whole number, written without fraction or exponent, of 64 bits; or one that
    /// its schema says is an `integer`, however it is written.
    Integer(i64),
    /// Any other number, exact. Fits Postgres' `numeric`: at most 131,072 digits
    /// before the point and 16,383 after it. Few characters can stand for many digits
    /// (`1e131071`): look at its precision before giving it a scale.
    Decimal(BigDecimal),
    /// Text, without NUL.
    Text(String),
    /// A point in time.
    Timestamp(DateTime<Utc>),
    /// An array or an object as JSON text: as it came, if it was copied.
    Json(String),
}

impl Cell {
    /// As JSON text: what a `jsonb` column takes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let quoted = |text: &str| {
            let mut out = String::with_capacity(text.len() + 2);
            write_quoted(text, &mut out);
            out
        };
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Integer(integer) => integer.to_string(),
            Self::Decimal(decimal) => decimal.to_string(),
            Self::Text(text) => quoted(text),
            Self::Timestamp(time) => quoted(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Json(json) => json.clone(),
        }
    }

    /// A value as it came, digit for digit.
    pub(super) fn copied(json: Json<'_>, number: NumberForm) -> Self {
        match json.kind() {
            JsonKind::Null => Self::Null,
            JsonKind::Boolean => Self::Boolean(json.raw() == "true"),
            JsonKind::Number => Self::of_number(json.raw(), number),
            JsonKind::String => Self::Text(json.as_text().unwrap_or_default().into_owned()),
            JsonKind::Array | JsonKind::Object => Self::Json(json.raw().to_owned()),
        }
    }

    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<BigDecimal> {
        match self {
            Self::Integer(integer) => Some(BigDecimal::from(*integer)),
            Self::Decimal(decimal) => Some(decimal.clone()),
            _ => None,
        }
    }

    fn of_number(digits: &str, form: NumberForm) -> Self {
        let number = Digits(digits);
        let integer = if form == NumberForm::Integer || number.is_whole_text() {
            number.as_i64()
        } else {
            None
        };
        match integer {
            Some(integer) => Self::Integer(integer),
            None => BigDecimal::from_str(digits).map_or(Self::Null, Self::Decimal),
        }
    }

    /// What a program has yielded.
    ///
    /// # Errors
    /// What no column can hold, in words that go on after "it yields".
    pub(super) fn computed(value: Value, copies: &Copies<'_>) -> Result<Self, String> {
        if let Some(cell) = copied(&value, copies).map(Copied::cell) {
            return Ok(cell);
        }
        match value {
            Value::Null => Ok(Self::Null),
            Value::Boolean(boolean) => Ok(Self::Boolean(boolean)),
            Value::Integer(integer) => Ok(Self::Integer(integer)),
            Value::Float(float) => BigDecimal::from_str(&format!("{:e}", float.into_inner()))
                .map(Self::Decimal)
                .map_err(|_| "an infinite number".to_owned()),
            Value::Timestamp(time) => Ok(Self::Timestamp(time)),
            Value::Bytes(_) | Value::String(_) | Value::Regex(_) => Ok(Self::Text(text(&value)?)),
            Value::Array(_) | Value::Object(_) => {
                let mut json = String::new();
                write(&value, copies, 1, &mut json)?;
                Ok(Self::Json(json))
            }
        }
    }
}
