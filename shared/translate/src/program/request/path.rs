//! Paths of requests, which must stay below the address that they are sent to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is written as it is in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why something is no path below an address, in words that go on after "it yields".
pub(super) fn objection(path: &str) -> Option<&'static str> {
    if !path.is_empty() && !path.starts_with(['/', '?']) {
        return Some("a `path` that does not begin with `/`");
    }
    if path.starts_with("//") {
        return Some("a `path` that begins with `//`, which is another host");
    }
    // Those who read addresses take a backslash for a slash, and leave out what comes
    // after `#`.
    if path.contains(|letter: char| letter.is_control() || matches!(letter, '\\' | '#')) {
        return Some("a `path` with `\\`, `#` or a control character");
    }
    let steps = path.split('?').next().unwrap_or_default().split('/');
    let climbs = |step: &str| {
        let decoded = percent_decode_str(step).collect::<Vec<u8>>();
        matches!(decoded.as_slice(), b"." | b"..")
    };
    steps
        .into_iter()
        .any(climbs)
        .then_some("a `path` with `.` or `..` as a step, which leads elsewhere")
}

/// Adds a parameter to the query of a path.
pub(super) fn add_parameter(path: &mut String, name: &str, value: &str) {
    path.push(if path.contains('?') { '&' } else { '?' });
    path.extend(utf8_percent_encode(name, PLAIN));
    path.push('=');
    path.extend(utf8_percent_encode(value, PLAIN));
}
