//! Values of columns, as a fold is given them.

use std::str::FromStr as _;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate};
use dragoman_translate::{Cell, Document, JsonKind};

use super::super::value::Value;

/// A value as a fold is given it.
pub(super) fn to_cell(value: &Value) -> Cell {
    match value {
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Numeric(number) => Cell::Decimal(number.clone()),
        Value::Double(number) => decimal(&format!("{:e}", number.get())),
        Value::Boolean(boolean) => Cell::Boolean(*boolean),
        Value::Timestamp(time) => Cell::Timestamp(*time),
        Value::Date(date) => Cell::Text(date.to_string()),
        Value::Uuid(uuid) => Cell::Text(uuid.to_string()),
        Value::Json(text) => json(text),
    }
}

/// What is no array and no object is to a fold what it would be in a column of its own.
fn json(text: &str) -> Cell {
    let whole = || Cell::Json(text.to_owned());
    // What cannot be read so is refused, with its reason, by the fold that looks at it.
    let Ok(document) = Document::parse(text.as_bytes()) else {
        return whole();
    };
    let root = document.root();
    match root.kind() {
        JsonKind::Null => Cell::Null,
        JsonKind::Boolean => Cell::Boolean(root.as_boolean() == Some(true)),
        JsonKind::String => root
            .as_text()
            .map_or_else(whole, |it| Cell::Text(it.into_owned())),
        JsonKind::Number => match root.raw().parse() {
            Ok(integer) => Cell::Integer(integer),
            Err(_) => decimal(root.raw()),
        },
        JsonKind::Array | JsonKind::Object => whole(),
    }
}

fn decimal(digits: &str) -> Cell {
    BigDecimal::from_str(digits).map_or_else(|_| Cell::Json(digits.to_owned()), Cell::Decimal)
}

/// A value that the table holds, of its text. `None`: it is none that a projection would
/// have written.
pub(super) fn numeric(text: &str) -> Option<Value> {
    BigDecimal::from_str(text).ok().map(Value::Numeric)
}

/// As [`numeric`], of the text as JSON has it.
pub(super) fn timestamp(text: &str) -> Option<Value> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Value::Timestamp(time.to_utc()))
}

/// As [`timestamp`].
pub(super) fn date(text: &str) -> Option<Value> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Value::Date(date))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dragoman_translate::Cell;
    use uuid::Uuid;

    use super::super::super::value::{Double, Value};
    use super::{date, numeric, timestamp, to_cell};
    use crate::ColumnType;

    #[test]
    fn what_a_fold_left_is_what_it_finds_again() {
        let json = |text: &str| Value::Json(text.to_owned());
        for (value, column_type) in [
            (Value::Text("a 'b'".into()), ColumnType::Text),
            (Value::Integer(i64::MIN), ColumnType::Bigint),
            (
                numeric("0.10").unwrap(),
                ColumnType::Numeric { precision: None },
            ),
            (
                Value::Double(Double::new(f64::MAX).unwrap()),
                ColumnType::Double,
            ),
            (Value::Boolean(true), ColumnType::Boolean),
            (
                timestamp("2026-01-31T10:00:00.000001+00:00").unwrap(),
                ColumnType::Timestamp,
            ),
            (date("2026-01-31").unwrap(), ColumnType::Date),
            (Value::Uuid(Uuid::from_u128(10)), ColumnType::Uuid),
            (json("[1.50]"), ColumnType::Json),
            (json("\"text\""), ColumnType::Json),
            (json("1.50"), ColumnType::Json),
        ] {
            let again = Value::from_cell(to_cell(&value), column_type);
            assert_eq!(again, Ok(Some(value)));
        }
        assert_eq!(timestamp("infinity"), None);
        assert_eq!(date("0044-03-15 BC"), None);
        assert_eq!(numeric("NaN"), None);
    }

    #[test]
    fn json_that_is_one_value_is_that_value() {
        let cell = |text: &str| to_cell(&Value::Json(text.to_owned()));
        assert_eq!(cell("5"), Cell::Integer(5));
        assert_eq!(cell("\"a\\n\""), Cell::Text("a\n".into()));
        assert_eq!(cell("null"), Cell::Null);
        assert_eq!(cell("{\"a\": 1}"), Cell::Json("{\"a\": 1}".into()));
    }
}
