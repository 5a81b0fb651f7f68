//! Percent-decoding (RFC 3986, section 2.1).

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

/// The bytes behind a percent-encoded text; a `%` without two hexadecimal digits stays
/// as it is.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    percent_decode(text).collect()
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
