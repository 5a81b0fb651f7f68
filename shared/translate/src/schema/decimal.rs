//! Numbers of payloads against numbers of schemas, digit by digit.
//!
//! Few characters can stand for very many digits (`1e131071`), and a payload can hold
//! very many of them: nothing here writes them out.

use std::cmp::Ordering;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Zero};

/// A number that a schema gives.
#[derive(Debug, Clone)]
pub(super) struct Given {
    exact: BigDecimal,
    rounded: f64,
}

impl Given {
    pub(super) fn new(number: &serde_json::Number) -> Option<Self> {
        let text = number.to_string();
        Some(Self {
            exact: BigDecimal::from_str(&text).ok()?,
            rounded: text.parse().ok()?,
        })
    }

    /// How the number of a payload stands to this one.
    pub(super) fn compare(&self, digits: &str) -> Ordering {
        // Rounding never turns two numbers around, so only numbers that round to the
        // same float must be looked at closely.
        let rounded: f64 = digits.parse().unwrap_or_default();
        match rounded.partial_cmp(&self.rounded) {
            Some(Ordering::Equal) | None => {
                BigDecimal::from_str(digits).map_or(Ordering::Equal, |exact| exact.cmp(&self.exact))
            }
            Some(unequal) => unequal,
        }
    }

    /// Whether the number of a payload is a multiple of this one.
    pub(super) fn divides(&self, digits: &str) -> bool {
        let Ok(number) = BigDecimal::from_str(digits) else {
            return false;
        };
        let (number, number_scale) = number.into_bigint_and_exponent();
        let (unit, unit_scale) = self.exact.as_bigint_and_exponent();
        if number.is_zero() || unit.is_zero() {
            return number.is_zero();
        }
        match u32::try_from(number_scale - unit_scale) {
            // The number has more digits after the point.
            Ok(places) => {
                let fits = number.magnitude().bits() > u64::from(places) * 3;
                fits && (number % (unit * BigInt::from(10).pow(places))).is_zero()
            }
            Err(_) => {
                let zeros = BigInt::from(unit_scale - number_scale);
                let power = BigInt::from(10).modpow(&zeros, &unit);
                ((number % &unit) * power % unit).is_zero()
            }
        }
    }
}

impl std::fmt::Display for Given {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.exact.fmt(formatter)
    }
}
