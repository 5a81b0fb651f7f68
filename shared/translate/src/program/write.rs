//! What a program has yielded, as JSON text.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use vrl::value::Value;

use super::stand_in::{Copied, Copies, copied};
use crate::MAX_DEPTH;
use crate::json::write_quoted;

/// Writes `value`, with the text as it came wherever it was only passed on.
///
/// # Errors
/// What JSON, or the log, cannot hold, in words that go on after "it yields".
pub(super) fn write(
    value: &Value,
    copies: &Copies<'_>,
    depth: usize,
    out: &mut String,
) -> Result<(), String> {
    if let Some(text) = copied(value, copies).map(Copied::text) {
        out.push_str(&text);
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Err(format!("something nested more than {MAX_DEPTH} deep"));
    }
    // Writing to a String cannot fail.
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(boolean) => {
            let _ = write!(out, "{boolean}");
        }
        Value::Integer(integer) => {
            let _ = write!(out, "{integer}");
        }
        Value::Float(float) => {
            if !float.is_finite() {
                return Err("an infinite number".to_owned());
            }
            // The shortest digits that are this float; very large or small ones with an
            // exponent.
            let _ = write!(out, "{:?}", float.into_inner());
        }
        Value::Timestamp(time) => {
            write_quoted(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true), out);
        }
        Value::Bytes(_) | Value::String(_) | Value::Regex(_) => write_quoted(&text(value)?, out),
        Value::Array(elements) => {
            out.push('[');
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write(element, copies, depth + 1, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (number, (name, member)) in members.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                without_nul(name)?;
                write_quoted(name, out);
                out.push(':');
                write(member, copies, depth + 1, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// The text that a value is.
///
/// # Errors
/// It is none, or one that the log cannot hold; in words that go on after "it yields".
pub(super) fn text(value: &Value) -> Result<String, String> {
    let bytes: &[u8] = match value {
        Value::Bytes(bytes) => bytes,
        Value::String(text) => text.as_bytes(),
        Value::Regex(regex) => regex.as_str().as_bytes(),
        _ => return Err("something that is no text".to_owned()),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "bytes that are no text".to_owned())?;
    without_nul(text)?;
    Ok(text.to_owned())
}

fn without_nul(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("text with the character NUL, which cannot be stored".to_owned());
    }
    Ok(())
}
