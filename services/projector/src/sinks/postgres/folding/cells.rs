//! Values of columns, as a fold is given them.

use std::str::FromStr as _;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate};
use dragoman_translate::{Cell, Document, JsonKind};
use uuid::Uuid;

use super::super::value::{Double, Value};
use crate::ColumnType;

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

/// A value that the table holds, of the text that [`super::read`] asks for. `None`: it
/// is none that a projection would have written (`infinity`, a date before Christ).
pub(super) fn from_text(text: String, column_type: ColumnType) -> Option<Value> {
    Some(match column_type {
        ColumnType::Text => Value::Text(text),
        ColumnType::Bigint | ColumnType::Integer => Value::Integer(text.parse().ok()?),
        ColumnType::Numeric { .. } => Value::Numeric(BigDecimal::from_str(&text).ok()?),
        ColumnType::Double => Value::Double(Double::new(text.parse().ok()?)?),
        ColumnType::Boolean => Value::Boolean(text.parse().ok()?),
        ColumnType::Timestamp => {
            Value::Timestamp(DateTime::parse_from_rfc3339(&text).ok()?.to_utc())
        }
        ColumnType::Date => Value::Date(NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?),
        ColumnType::Uuid => Value::Uuid(Uuid::parse_str(&text).ok()?),
        ColumnType::Json => Value::Json(text),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dragoman_translate::Cell;

    use super::{from_text, to_cell};
    use crate::ColumnType;

    #[test]
    fn what_a_fold_left_is_what_it_finds_again() {
        for (text, column_type) in [
            ("a 'b'", ColumnType::Text),
            ("-9223372036854775808", ColumnType::Bigint),
            ("0.10", ColumnType::Numeric { precision: None }),
            ("1.7976931348623157e+308", ColumnType::Double),
            ("true", ColumnType::Boolean),
            ("2026-01-31T10:00:00.000001+00:00", ColumnType::Timestamp),
            ("2026-01-31", ColumnType::Date),
            ("00000000-0000-0000-0000-00000000000a", ColumnType::Uuid),
            ("[1.50]", ColumnType::Json),
            ("\"text\"", ColumnType::Json),
            ("1.50", ColumnType::Json),
        ] {
            let value = from_text(text.to_owned(), column_type).unwrap();
            let again = super::Value::from_cell(to_cell(&value), column_type);
            assert_eq!(again, Ok(Some(value)), "{text}");
        }
        assert_eq!(from_text("infinity".into(), ColumnType::Timestamp), None);
        assert_eq!(from_text("NaN".into(), ColumnType::Double), None);
    }

    #[test]
    fn json_that_is_one_value_is_that_value() {
        let cell = |text: &str| to_cell(&super::Value::Json(text.to_owned()));
        assert_eq!(cell("5"), Cell::Integer(5));
        assert_eq!(cell("\"a\\n\""), Cell::Text("a\n".into()));
        assert_eq!(cell("null"), Cell::Null);
        assert_eq!(cell("{\"a\": 1}"), Cell::Json("{\"a\": 1}".into()));
    }
}
