//! JSON as `jsonb` keeps it, as far as a program can tell the difference.

use std::str::FromStr as _;

use bigdecimal::{BigDecimal, Zero as _};

/// `text` with its numbers as `jsonb` writes them: without exponents, and zero without
/// a sign. What a fold finds is then the same whether the table was between or not.
pub(super) fn as_kept(text: String) -> String {
    if !text.bytes().any(|byte| matches!(byte, b'e' | b'E' | b'-')) {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => string_length(rest),
            b'-' | b'0'..=b'9' => number_length(rest),
            _ => rest
                .find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit())
                .unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(length);
        match first {
            b'-' | b'0'..=b'9' => kept.push_str(&number(token)),
            _ => kept.push_str(token),
        }
        rest = behind;
    }
    kept
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn number_length(text: &str) -> usize {
    text.find(|letter: char| {
        !(letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E'))
    })
    .unwrap_or(text.len())
}

fn number(digits: &str) -> String {
    match BigDecimal::from_str(digits) {
        Ok(zero) if zero.is_zero() && digits.starts_with('-') => number(&digits[1..]),
        Ok(number) if digits.contains(['e', 'E']) => number.to_plain_string(),
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::as_kept;

    #[test]
    fn numbers_are_written_without_exponent_and_the_rest_stays() {
        for (from, to) in [
            (
                r#"{"a":1e3,"b":-0,"c":1.50}"#,
                r#"{"a":1000,"b":0,"c":1.50}"#,
            ),
            (
                r#"["1e3 \" -0 \\",1.5E-3,-0.00]"#,
                r#"["1e3 \" -0 \\",0.0015,0.00]"#,
            ),
            ("1.50e1", "15.0"),
            ("-12", "-12"),
            (r#""e""#, r#""e""#),
        ] {
            assert_eq!(as_kept(from.to_owned()), to);
        }
    }
}
