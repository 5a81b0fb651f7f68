//! Numbers as text: the grammar, the limits, and what their digits say.

use super::JsonErrorKind;

/// The digits before the point that a decimal of Postgres holds.
const MAX_WHOLE_DIGITS: i64 = 131_072;
/// The digits after the point that it holds.
const MAX_FRACTION_DIGITS: i64 = 16_383;

/// Reads past the number that begins at `start`.
///
/// # Errors
/// It is not written as JSON writes numbers, or outside the limits of
/// [`Cell::Decimal`](crate::Cell::Decimal).
pub(super) fn scan(bytes: &[u8], start: usize) -> Result<usize, (JsonErrorKind, usize)> {
    let digits_from = |at: usize| {
        bytes[at.min(bytes.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let demand = |at: usize, count: usize| match (count, bytes.get(at)) {
        (0, None) => Err((JsonErrorKind::UnexpectedEnd, bytes.len())),
        (0, Some(_)) => Err((JsonErrorKind::BadNumber, at)),
        _ => Ok(at + count),
    };

    let whole_start = start + usize::from(bytes.get(start) == Some(&b'-'));
    let whole = digits_from(whole_start);
    let mut at = demand(whole_start, whole)?;
    if whole > 1 && bytes[whole_start] == b'0' {
        return Err((JsonErrorKind::BadNumber, whole_start));
    }
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits_from(at + 1);
        at = demand(at + 1, fraction)?;
    }
    let mut exponent = 0;
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = bytes.get(at + 1).filter(|sign| matches!(sign, b'+' | b'-'));
        let from = at + 1 + usize::from(sign.is_some());
        at = demand(from, digits_from(from))?;
        // Saturates: ten digits of exponent are as far outside as twenty.
        exponent = bytes[from..at].iter().fold(0_i64, |exponent, digit| {
            (exponent * 10 + i64::from(digit - b'0')).min(1 << 40)
        });
        if sign == Some(&b'-') {
            exponent = -exponent;
        }
    }
    if let Some(b'.' | b'+' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') = bytes.get(at) {
        return Err((JsonErrorKind::BadNumber, at));
    }
    let before = length(whole).saturating_add(exponent);
    let after = length(fraction).saturating_sub(exponent);
    if before > MAX_WHOLE_DIGITS || after > MAX_FRACTION_DIGITS {
        return Err((JsonErrorKind::NumberOutOfRange, start));
    }
    Ok(at)
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number that [`scan`] has accepted, read digit by digit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits<'a>(pub(crate) &'a str);

impl<'a> Digits<'a> {
    /// Whether it is written without fraction and exponent.
    pub(crate) fn is_whole_text(self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }

    /// Its value if it is a whole number of 64 bits, however it is written.
    pub(crate) fn as_i64(self) -> Option<i64> {
        if self.is_whole_text() {
            return self.0.parse().ok();
        }
        if !self.is_whole() {
            return None;
        }
        let (digits, scale) = self.significant();
        if digits.is_empty() {
            return Some(0);
        }
        // More than 19 digits cannot be of 64 bits.
        if digits.len().saturating_add(usize::try_from(scale).ok()?) > 19 {
            return None;
        }
        let mut text = String::with_capacity(24);
        if self.0.starts_with('-') {
            text.push('-');
        }
        text.push_str(&digits);
        text.extend(std::iter::repeat_n('0', usize::try_from(scale).ok()?));
        text.parse().ok()
    }

    /// Whether it is a whole number, however it is written (`1.0`, `12e3`).
    pub(crate) fn is_whole(self) -> bool {
        self.is_whole_text() || {
            let (digits, scale) = self.significant();
            digits.is_empty() || scale >= 0
        }
    }

    /// How many digits it has from the first that is not zero to the last that is not.
    pub(crate) fn significant_digits(self) -> usize {
        let mantissa = self.mantissa().bytes().filter(u8::is_ascii_digit);
        let mut count = 0;
        let mut until_last = 0;
        for digit in mantissa.skip_while(|digit| *digit == b'0') {
            count += 1;
            if digit != b'0' {
                until_last = count;
            }
        }
        until_last
    }

    /// The significant digits and the power of ten that they are to be multiplied by.
    fn significant(self) -> (String, i64) {
        let mantissa = self.mantissa();
        let fraction = mantissa
            .find('.')
            .map_or(0, |point| length(mantissa.len() - point - 1));
        let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        let zeros = all.len() - all.trim_end_matches('0').len();
        (
            digits.to_owned(),
            self.exponent() - fraction + length(zeros),
        )
    }

    fn mantissa(self) -> &'a str {
        self.0.split(['e', 'E']).next().unwrap_or(self.0)
    }

    fn exponent(self) -> i64 {
        self.0
            .split(['e', 'E'])
            .nth(1)
            .and_then(|exponent| exponent.trim_start_matches('+').parse().ok())
            .unwrap_or(0)
    }
}
