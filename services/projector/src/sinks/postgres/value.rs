//! A value that a column can hold, and how it comes out of a program's.

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive as _};
use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use dragoman_translate::Cell;
use uuid::Uuid;

use crate::ColumnType;

/// A value of a column. Equal and ordered as the database has it, but for text, which
/// is ordered by bytes (collation `C`), and JSON, which is compared as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Numeric(BigDecimal),
    Double(Double),
    Boolean(bool),
    Timestamp(DateTime<Utc>),
    Date(NaiveDate),
    Uuid(Uuid),
    Json(String),
}

/// A finite binary float that is not −0, and thus comparable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Double(f64);

impl Double {
    /// `None` for what is not finite.
    pub(super) fn new(number: f64) -> Option<Self> {
        // Adding 0 turns −0 into 0: they are equal in the database.
        number.is_finite().then_some(Self(number + 0.0))
    }

    pub(super) const fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Double {}

impl std::hash::Hash for Double {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Double {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Value {
    /// What a program yielded, for a column of that type; `None` for null. Strict:
    /// nothing is turned into another kind of value, and nothing is lost but what the
    /// column's own precision takes (the scale of a `numeric`, half away from zero; the
    /// binary digits of a `double precision`; microseconds).
    ///
    /// # Errors
    /// Why the column cannot hold it, without the value itself.
    pub(super) fn from_cell(cell: Cell, column_type: ColumnType) -> Result<Option<Self>, String> {
        if cell == Cell::Null {
            return Ok(None);
        }
        match column_type {
            ColumnType::Text => text(cell),
            ColumnType::Bigint => integer(cell, i64::MIN, i64::MAX),
            ColumnType::Integer => integer(cell, i64::from(i32::MIN), i64::from(i32::MAX)),
            ColumnType::Numeric { precision } => numeric(cell, precision),
            ColumnType::Double => double(cell),
            ColumnType::Boolean => boolean(cell),
            ColumnType::Timestamp => timestamp(cell),
            ColumnType::Date => date(cell),
            ColumnType::Uuid => uuid(cell),
            ColumnType::Json => Ok(Self::Json(cell.to_json())),
        }
        .map(Some)
        .map_err(|refusal| refusal.reason(column_type))
    }
}

/// Why a cell is no value of a column.
enum Refusal {
    /// Its kind is another.
    Kind(&'static str),
    /// It is a number that the column's type does not reach to.
    Range,
    /// It is text that does not read as the type.
    Form(&'static str),
}

impl Refusal {
    fn reason(&self, column_type: ColumnType) -> String {
        match self {
            Self::Kind(found) => {
                format!("the program yielded {found}, which is no value of type {column_type}")
            }
            Self::Range => format!("the number is out of the range of type {column_type}"),
            Self::Form(form) => {
                format!("the text is no value of type {column_type}, which is written {form}")
            }
        }
    }
}

fn kind(cell: &Cell) -> Refusal {
    Refusal::Kind(match cell {
        Cell::Null => "null",
        Cell::Boolean(_) => "a boolean",
        Cell::Integer(_) => "a whole number",
        Cell::Decimal(_) => "a number with a fraction or beyond 64 bits",
        Cell::Text(_) => "text",
        Cell::Timestamp(_) => "a timestamp",
        Cell::Json(_) => "an array or an object",
    })
}

fn text(cell: Cell) -> Result<Value, Refusal> {
    match cell {
        Cell::Text(text) => Ok(Value::Text(text)),
        other => Err(kind(&other)),
    }
}

fn integer(cell: Cell, lowest: i64, highest: i64) -> Result<Value, Refusal> {
    let number = match &cell {
        Cell::Integer(number) => *number,
        // 1e3 and 5.0 are whole: JSON does not tell them from 1000 and 5.
        Cell::Decimal(number) if number.is_integer() => number.to_i64().ok_or(Refusal::Range)?,
        _ => return Err(kind(&cell)),
    };
    if (lowest..=highest).contains(&number) {
        Ok(Value::Integer(number))
    } else {
        Err(Refusal::Range)
    }
}

fn numeric(cell: Cell, precision: Option<(u16, i16)>) -> Result<Value, Refusal> {
    let number = match cell {
        Cell::Integer(number) => BigDecimal::from(number),
        Cell::Decimal(number) => number,
        other => return Err(kind(&other)),
    };
    let Some((digits, scale)) = precision else {
        return Ok(Value::Numeric(number));
    };
    let rounded = if number.fractional_digit_count() == i64::from(scale) {
        number
    } else {
        number.with_scale_round(i64::from(scale), RoundingMode::HalfUp)
    };
    let limit = || BigDecimal::new(1.into(), i64::from(scale) - i64::from(digits));
    if is_surely_of(&rounded, digits) || rounded.abs() < limit() {
        Ok(Value::Numeric(rounded))
    } else {
        Err(Refusal::Range)
    }
}

/// Whether a number is so small that it cannot have more than so many digits, whatever its
/// scale: what is true of nearly all, and found without arithmetic on many digits. A
/// decimal digit is worth more than 3.32 binary ones.
fn is_surely_of(number: &BigDecimal, digits: u16) -> bool {
    let (unscaled, _) = number.as_bigint_and_scale();
    unscaled.bits().saturating_mul(100) <= u64::from(digits) * 332
}

fn double(cell: Cell) -> Result<Value, Refusal> {
    let number = match &cell {
        Cell::Integer(number) => number.to_f64(),
        Cell::Decimal(number) => number.to_string().parse().ok(),
        _ => return Err(kind(&cell)),
    };
    number
        .and_then(Double::new)
        .map(Value::Double)
        .ok_or(Refusal::Range)
}

fn boolean(cell: Cell) -> Result<Value, Refusal> {
    match cell {
        Cell::Boolean(boolean) => Ok(Value::Boolean(boolean)),
        other => Err(kind(&other)),
    }
}

fn timestamp(cell: Cell) -> Result<Value, Refusal> {
    let time = match cell {
        Cell::Timestamp(time) => time,
        Cell::Text(text) => DateTime::parse_from_rfc3339(&text)
            .map_err(|_| Refusal::Form("as RFC 3339 has it, with its offset"))?
            .to_utc(),
        other => return Err(kind(&other)),
    };
    Ok(Value::Timestamp(time.trunc_subsecs(6)))
}

fn date(cell: Cell) -> Result<Value, Refusal> {
    let Cell::Text(text) = cell else {
        return Err(kind(&cell));
    };
    // chrono alone takes a sign and single digits, too.
    let written = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    Some(text)
        .filter(|_| written)
        .and_then(|text| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok())
        .map(Value::Date)
        .ok_or(Refusal::Form("2026-01-31"))
}

fn uuid(cell: Cell) -> Result<Value, Refusal> {
    match cell {
        Cell::Text(text) => Uuid::parse_str(&text)
            .map(Value::Uuid)
            .map_err(|_| Refusal::Form("as 8-4-4-4-12 hexadecimal digits")),
        other => Err(kind(&other)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bigdecimal::BigDecimal;
    use dragoman_translate::Cell;

    use super::Value;
    use crate::ColumnType;

    fn decimal(text: &str) -> BigDecimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_numeric_is_rounded_half_away_from_zero_and_must_fit() {
        let money = ColumnType::Numeric {
            precision: Some((5, 2)),
        };
        for (from, to) in [
            ("1.005", "1.01"),
            ("-1.005", "-1.01"),
            ("999.994", "999.99"),
            ("0.1", "0.10"),
        ] {
            let value = Value::from_cell(Cell::Decimal(decimal(from)), money);
            assert_eq!(value, Ok(Some(Value::Numeric(decimal(to)))), "{from}");
        }
        assert!(Value::from_cell(Cell::Decimal(decimal("999.995")), money).is_err());
        assert!(Value::from_cell(Cell::Integer(1000), money).is_err());
        let hundreds = ColumnType::Numeric {
            precision: Some((2, -2)),
        };
        let value = Value::from_cell(Cell::Integer(1250), hundreds);
        assert_eq!(value, Ok(Some(Value::Numeric(decimal("1300")))));
        assert!(Value::from_cell(Cell::Integer(10_000), hundreds).is_err());
    }

    #[test]
    fn nothing_is_turned_into_another_kind() {
        let text = || Cell::Text("1".into());
        for column_type in [
            ColumnType::Bigint,
            ColumnType::Integer,
            ColumnType::Numeric { precision: None },
            ColumnType::Double,
            ColumnType::Boolean,
            ColumnType::Timestamp,
            ColumnType::Date,
            ColumnType::Uuid,
        ] {
            let refused = Value::from_cell(text(), column_type);
            assert!(refused.is_err(), "{column_type:?}: {refused:?}");
        }
        for cell in [
            Cell::Integer(1),
            Cell::Boolean(true),
            Cell::Json("[]".into()),
        ] {
            assert!(Value::from_cell(cell, ColumnType::Text).is_err());
        }
        let wide = Cell::Integer(i64::from(i32::MAX) + 1);
        assert!(Value::from_cell(wide.clone(), ColumnType::Integer).is_err());
        assert!(Value::from_cell(wide, ColumnType::Bigint).is_ok());
        let whole = Value::from_cell(Cell::Decimal(decimal("1e3")), ColumnType::Bigint);
        assert_eq!(whole, Ok(Some(Value::Integer(1000))));
        assert!(Value::from_cell(Cell::Decimal(decimal("0.5")), ColumnType::Bigint).is_err());
    }

    #[test]
    fn what_is_equal_in_the_database_is_equal_here() {
        let double = |cell| Value::from_cell(cell, ColumnType::Double).unwrap();
        assert_eq!(
            double(Cell::Decimal(decimal("0.0"))),
            double(Cell::Integer(0))
        );
        let numeric = |text| Value::Numeric(decimal(text));
        assert_eq!(numeric("1.0"), numeric("1.00"));
    }

    #[test]
    fn times_and_dates_are_read_strictly() {
        let read = |text: &str, column_type| {
            Value::from_cell(Cell::Text(text.into()), column_type).is_ok()
        };
        assert!(read(
            "2026-01-31T10:00:00.1234567+02:00",
            ColumnType::Timestamp
        ));
        assert!(!read("2026-01-31T10:00:00", ColumnType::Timestamp));
        assert!(read("2026-01-31", ColumnType::Date));
        for bad in ["2026-1-31", "2026-02-30", "+2026-01-3", "2026-01-3 "] {
            assert!(!read(bad, ColumnType::Date), "{bad}");
        }
    }
}
