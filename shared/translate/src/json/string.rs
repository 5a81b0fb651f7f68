//! Strings: reading past them, resolving their escapes, writing them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::JsonErrorKind;

/// A string that was read past: where it ends, and whether it has escapes.
pub(super) struct Scanned {
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// Reads past the string whose opening quote is at `start`.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn scan(bytes: &[u8], start: usize) -> Result<Scanned, (JsonErrorKind, usize)> {
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        match bytes.get(at) {
            None => return Err((JsonErrorKind::UnexpectedEnd, bytes.len())),
            Some(b'"') => {
                return Ok(Scanned {
                    end: at + 1,
                    escaped,
                });
            }
            Some(b'\\') => {
                escaped = true;
                at = scan_escape(bytes, at)?;
            }
            Some(0..=0x1f) => return Err((JsonErrorKind::ControlCharacter, at)),
            Some(_) => at = plain_until(bytes, at + 1),
        }
    }
}

/// Where, from `at` on, a byte may come next that is no plain character of a string: eight
/// are looked at together, and fewer at the end of the text not at all.
fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The high bit of the first byte that is below `bound`; higher ones may be wrong.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
    while let Some(&eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(eight);
        let special = below(word, 0x20)
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

/// Reads past the escape whose backslash is at `start`, both halves if it is a pair.
fn scan_escape(bytes: &[u8], start: usize) -> Result<usize, (JsonErrorKind, usize)> {
    match bytes.get(start + 1) {
        None => Err((JsonErrorKind::UnexpectedEnd, bytes.len())),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(start + 2),
        Some(b'u') => match unit(bytes, start)? {
            0 => Err((JsonErrorKind::NulCharacter, start)),
            0xd800..=0xdbff => {
                let low = match bytes.get(start + 6..start + 8) {
                    Some(b"\\u") => unit(bytes, start + 6)?,
                    Some(_) => 0,
                    None if bytes.len() < start + 8 && bytes[start + 6..].starts_with(b"\"") => 0,
                    None => return Err((JsonErrorKind::UnexpectedEnd, bytes.len())),
                };
                if (0xdc00..=0xdfff).contains(&low) {
                    Ok(start + 12)
                } else {
                    Err((JsonErrorKind::LoneSurrogate, start))
                }
            }
            0xdc00..=0xdfff => Err((JsonErrorKind::LoneSurrogate, start)),
            _ => Ok(start + 6),
        },
        Some(_) => Err((JsonErrorKind::BadEscape, start)),
    }
}

/// The UTF-16 unit of the `\uXXXX` at `start`.
fn unit(bytes: &[u8], start: usize) -> Result<u16, (JsonErrorKind, usize)> {
    let Some(digits) = bytes.get(start + 2..start + 6) else {
        return Err((JsonErrorKind::UnexpectedEnd, bytes.len()));
    };
    digits
        .iter()
        .try_fold(0, |unit: u16, &digit| {
            let value = char::from(digit).to_digit(16)?;
            Some(unit << 4 | u16::try_from(value).ok()?)
        })
        .ok_or((JsonErrorKind::BadEscape, start))
}

/// The string between the quotes of `raw`, which [`scan`] has accepted.
pub(super) fn unescape(raw: &str, escaped: bool) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    if !escaped {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let (character, length) = resolve(&rest[backslash..]);
        text.push(character);
        rest = rest.get(backslash + length..).unwrap_or_default();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character that the escape at the beginning of `text` stands for, and the
/// length of the escape.
fn resolve(text: &str) -> (char, usize) {
    let bytes = text.as_bytes();
    let simple = |character| (character, 2);
    match bytes.get(1) {
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'u') => {
            let high = unit(bytes, 0).unwrap_or_default();
            if !(0xd800..=0xdbff).contains(&high) {
                return (char::from_u32(high.into()).unwrap_or_default(), 6);
            }
            let low = unit(bytes, 6).unwrap_or_default();
            let decoded = char::decode_utf16([high, low]).next();
            (decoded.and_then(Result::ok).unwrap_or_default(), 12)
        }
        Some(&other) => simple(char::from(other)),
        None => ('\\', 1),
    }
}

/// Writes `text` as a JSON string, quotes included.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(found) =
        rest.find(|letter: char| letter < ' ' || letter == '"' || letter == '\\')
    {
        let (plain, special) = rest.split_at(found);
        out.push_str(plain);
        let mut letters = special.chars();
        match letters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            None => {}
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
