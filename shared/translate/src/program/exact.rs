//! Numbers that a program may read.

use thiserror::Error;
use vrl::compiler::prelude::NotNan;
use vrl::value::Value;

use crate::json::Digits;
use crate::shape::NumberForm;

/// The digits that a binary float of 64 bits always holds.
const FLOAT_DIGITS: usize = 15;
/// Whole numbers up to this one, 2^53, are floats too.
const FLOAT_WHOLE: u64 = 1 << 53;
/// How much of a number an error shows.
const SHOWN: usize = 40;

/// A number that a program may read and that it cannot hold exactly: beyond 64 bits,
/// or a fraction of more than 15 digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{program} may read the number {digits} at {path}, which it cannot hold exactly; copy it \
     by a bare path, or have it sent as text"
)]
pub struct InexactNumber {
    /// The program.
    pub program: String,
    /// The path as a program writes it.
    pub path: String,
    /// The number as it came, shortened when it is long.
    pub digits: String,
}

/// The number as a program holds it, if it can.
pub(super) fn exact(digits: &str, form: NumberForm) -> Option<Value> {
    let number = Digits(digits);
    match form {
        NumberForm::Integer => number.as_i64().map(Value::Integer),
        NumberForm::Written if number.is_whole_text() => digits.parse().ok().map(Value::Integer),
        NumberForm::Written | NumberForm::Float => exact_float(number).map(Value::Float),
    }
}

fn exact_float(number: Digits<'_>) -> Option<NotNan<f64>> {
    let count = number.significant_digits();
    let holds = count <= FLOAT_DIGITS
        || number
            .as_i64()
            .is_some_and(|whole| whole.unsigned_abs() <= FLOAT_WHOLE);
    let float: f64 = number.0.parse().ok()?;
    // Outside the range of normal floats digits are lost, few as they may be.
    let in_range = if count == 0 {
        float == 0.0
    } else {
        float.is_normal()
    };
    (holds && in_range)
        .then(|| NotNan::new(float).ok())
        .flatten()
}

/// The number, shortened when it is long.
pub(super) fn shown(digits: &str) -> String {
    match digits.get(..SHOWN) {
        Some(beginning) if digits.len() > SHOWN => {
            format!("{beginning}… ({} characters)", digits.len())
        }
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{NotNan, exact};
    use crate::shape::NumberForm::{Float, Integer, Written};
    use vrl::value::Value;

    #[test]
    fn numbers_are_exact_or_nothing() {
        let float = |value: f64| NotNan::new(value).ok().map(Value::Float);
        let integer = |value: i64| Some(Value::Integer(value));
        for (digits, form, value) in [
            ("12", Written, integer(12)),
            ("12", Float, float(12.0)),
            ("12.0", Integer, integer(12)),
            ("1.2e1", Integer, integer(12)),
            ("12.5", Integer, None),
            ("19.90", Written, float(19.9)),
            ("9223372036854775807", Written, integer(i64::MAX)),
            ("-9223372036854775808", Written, integer(i64::MIN)),
            ("9223372036854775808", Written, None),
            ("9223372036854775807", Float, None),
            ("9007199254740992", Float, float(9_007_199_254_740_992.0)),
            ("9007199254740993", Float, None),
            ("0.123456789012345", Written, float(0.123_456_789_012_345)),
            ("0.1234567890123456", Written, None),
            ("100000000000000000000", Written, None),
            ("1e20", Written, float(1e20)),
            ("1e400", Written, None),
            ("1e-400", Written, None),
            ("0e-400", Written, float(0.0)),
            ("0.00", Integer, integer(0)),
        ] {
            assert_eq!(exact(digits, form), value, "{digits} {form:?}");
        }
    }
}
