//! Percent-decoding (RFC 3986, section 2.1).

use std::collections::BTreeMap;

/// The bytes behind a percent-encoded text; a `%` without two hexadecimal digits stays
/// as it is.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%'
            && let Some(pair) = after.get(..2)
            && let Ok(byte) = u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("x"), 16)
            && pair.iter().all(u8::is_ascii_hexdigit)
        {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// The parameters of a query (`a=1&b=2`), as forms encode them. Of a parameter that
/// comes twice the last counts; what is not UTF-8 is replaced by U+FFFD.
pub(crate) fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (plain(name), plain(value))
        })
        .collect()
}

fn plain(text: &str) -> String {
    let spaced = text.replace('+', " ");
    String::from_utf8_lossy(&decode(spaced.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decode, query};

    #[test]
    fn escapes_are_resolved_and_broken_ones_left_alone() {
        for (text, plain) in [
            ("caf%C3%A9", "café"),
            ("%20%25", " %"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%zz%+1", "%zz%+1"),
        ] {
            assert_eq!(decode(text.as_bytes()), plain.as_bytes(), "{text}");
        }
        let found = query("a=1&b=x+y%26z&&c&a=2");
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, [("a", "2"), ("b", "x y&z"), ("c", "")]);
    }
}
