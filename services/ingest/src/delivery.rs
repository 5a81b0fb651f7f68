//! A webhook's request, once it is proven to be authentic.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::HeaderMap;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Names in lower case; several of one name joined by `, `.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    /// The body, decompressed.
    pub(crate) body: Vec<u8>,
    pub(crate) received: DateTime<Utc>,
}

/// The headers as mappings see them. What is not UTF-8 is replaced by U+FFFD.
pub(crate) fn headers_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str().to_owned())
            .and_modify(|joined| {
                joined.push_str(", ");
                joined.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    all
}

/// The trace context of a request (W3C Trace Context, version 00), if it has a valid one.
pub(crate) fn traceparent_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    is_traceparent(value).then(|| value.to_owned())
}

/// Whether a text is a `traceparent`: version, trace, parent and flags in lower-case
/// hexadecimal digits, trace and parent not zero.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let zero =
        |part: Option<&&str>| part.is_none_or(|part| part.bytes().all(|digit| digit == b'0'));
    lengths == [2, 32, 16, 2]
        && parts.iter().all(|part| {
            part.bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        })
        && parts.first() != Some(&"ff")
        && !zero(parts.get(1))
        && !zero(parts.get(2))
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn a_traceparent_is_told_from_what_only_looks_like_one() {
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(valid));
        for bad in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }
}
