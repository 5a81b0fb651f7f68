//! Appending what a program made of an event to the URL of an endpoint, such that it never
//! leads anywhere else: not to another host, not above the endpoint's own path.
//!
//! Everything that a URL parser would change without a word (dot segments, backslashes,
//! tabs and line breaks, fragments) is refused before, so what was looked at is what is
//! sent; that is compared at the end.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Position, Url};

use crate::PathProblem;

/// The longest path with its query, in bytes: what RFC 9110, section 4.1 asks every server
/// to take.
const MAX_BYTES: usize = 8000;

/// What is not `pchar` of RFC 3986, a slash, or the sign of what is encoded already.
const NOT_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'%');

/// A query may hold question marks too.
const NOT_IN_QUERY: &AsciiSet = &NOT_IN_PATH.remove(b'?');

/// The endpoint's URL with a path and a query behind its own.
pub(super) fn append(base: &Url, path: &str) -> Result<Url, PathProblem> {
    check(path)?;
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    check_segments(path)?;
    let path = if path.is_empty() {
        Cow::Borrowed(base.path())
    } else {
        let above = base.path().strip_suffix('/').unwrap_or(base.path());
        Cow::Owned(format!("{above}{}", utf8_percent_encode(path, NOT_IN_PATH)))
    };
    let query = query.map(|query| utf8_percent_encode(query, NOT_IN_QUERY).to_string());
    let query = match (base.query(), query) {
        (Some(own), Some(query)) => Some(format!("{own}&{query}")),
        (own, query) => query.or_else(|| own.map(ToOwned::to_owned)),
    };
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(query.as_deref());
    if is_below(base, &url) && url.path() == path && url.query() == query.as_deref() {
        Ok(url)
    } else {
        Err(PathProblem::Beginning)
    }
}

/// What no part of it may hold.
fn check(path: &str) -> Result<(), PathProblem> {
    if path.len() > MAX_BYTES {
        return Err(PathProblem::TooLong);
    }
    if path.chars().any(char::is_control) {
        return Err(PathProblem::Control);
    }
    if path.contains('\\') {
        return Err(PathProblem::Backslash);
    }
    if path.contains('#') {
        return Err(PathProblem::Fragment);
    }
    if path.starts_with("//") {
        return Err(PathProblem::TwoSlashes);
    }
    if !(path.is_empty() || path.starts_with(['/', '?'])) {
        return Err(PathProblem::Beginning);
    }
    let mut after = path.split('%');
    after.next();
    let is_hexadecimal = |text: &str| {
        text.get(..2)
            .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if after.all(is_hexadecimal) {
        Ok(())
    } else {
        Err(PathProblem::Percent)
    }
}

/// What no segment may be, as a server may see it: some decode before they split, and some
/// leave out what follows a semicolon.
fn check_segments(path: &str) -> Result<(), PathProblem> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    if decoded.contains('\\') {
        return Err(PathProblem::Backslash);
    }
    let is_dots = |segment: &str| {
        let name = segment.split(';').next().unwrap_or(segment);
        matches!(name, "." | "..")
    };
    if decoded.split('/').any(is_dots) {
        return Err(PathProblem::DotSegment);
    }
    Ok(())
}

fn is_below(base: &Url, url: &Url) -> bool {
    let authority = |url: &Url| url[..Position::BeforePath].to_owned();
    authority(base) == authority(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::{MAX_BYTES, append, is_below};
    use crate::PathProblem;

    fn appended(base: &str, path: &str) -> Result<String, PathProblem> {
        append(&Url::parse(base).unwrap(), path).map(String::from)
    }

    #[test]
    fn paths_and_queries_stand_behind_the_urls_own() {
        for (base, path, url) in [
            ("https://a/api", "", "https://a/api"),
            ("https://a/api", "/orders", "https://a/api/orders"),
            ("https://a/api/", "/orders", "https://a/api/orders"),
            ("https://a", "/orders", "https://a/orders"),
            ("https://a/api", "/", "https://a/api/"),
            ("https://a/api", "/orders?a=1", "https://a/api/orders?a=1"),
            (
                "https://a/api?key=k",
                "/orders",
                "https://a/api/orders?key=k",
            ),
            (
                "https://a/api?key=k",
                "/orders?a=1",
                "https://a/api/orders?key=k&a=1",
            ),
            ("https://a/api", "?a=1", "https://a/api?a=1"),
            (
                "https://a/api",
                "/a b/ü'\"",
                "https://a/api/a%20b/%C3%BC%27%22",
            ),
            ("https://a/api", "/a%2Fb%20c", "https://a/api/a%2Fb%20c"),
            (
                "https://a/api",
                "/@me/a:b;c=d/...",
                "https://a/api/@me/a:b;c=d/...",
            ),
            ("https://a/api", "/a//b", "https://a/api/a//b"),
            (
                "https://a/api",
                "/x?url=http://b/../c?d",
                "https://a/api/x?url=http://b/../c?d",
            ),
            ("https://a/api", "/x?a[]=|", "https://a/api/x?a%5B%5D=%7C"),
        ] {
            assert_eq!(appended(base, path), Ok(url.to_owned()), "{base} {path}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused_and_named() {
        use PathProblem::{
            Backslash, Beginning, Control, DotSegment, Fragment, Percent, TooLong, TwoSlashes,
        };
        for (path, problem) in [
            ("//evil.example/", TwoSlashes),
            ("///evil.example/", TwoSlashes),
            ("@evil.example/", Beginning),
            (":8080/", Beginning),
            (".evil.example/", Beginning),
            ("orders", Beginning),
            ("http://evil.example/", Beginning),
            ("https:evil.example/", Beginning),
            ("javascript:alert(1)", Beginning),
            (" /orders", Beginning),
            ("\\\\evil.example/", Backslash),
            ("/\\evil.example/", Backslash),
            ("/a\\..\\b", Backslash),
            ("/a%5c..%5cb", Backslash),
            ("/..", DotSegment),
            ("/../admin", DotSegment),
            ("/a/./b", DotSegment),
            ("/a/..", DotSegment),
            ("/a/../../admin?x", DotSegment),
            ("/%2e%2e/admin", DotSegment),
            ("/.%2E/admin", DotSegment),
            ("/a%2f..%2fadmin", DotSegment),
            ("/a/..%2Fadmin", DotSegment),
            ("/a/..;/admin", DotSegment),
            ("/a/%2e%2e;x=1/admin", DotSegment),
            ("/a#b", Fragment),
            ("#", Fragment),
            ("/a\r\nHost: evil.example", Control),
            ("/a\tb", Control),
            ("\t//evil.example", Control),
            ("/a\0", Control),
            ("/a\u{7f}", Control),
            ("/a\u{85}", Control),
            ("/100%", Percent),
            ("/a%2", Percent),
            ("/a%zz", Percent),
            ("/a?b=%g0", Percent),
            ("/%é", Percent),
        ] {
            assert_eq!(
                appended("https://a.example/api", path),
                Err(problem),
                "{path:?}"
            );
        }
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        assert_eq!(appended("https://a.example", &long), Err(TooLong));
    }

    proptest! {
        #[test]
        fn whatever_is_appended_stays_below(path in "[/?%@:.\\\\#a-z\r\n\t ;é0-9]{0,24}") {
            for base in ["https://a.example:8443/api", "http://[2606:4700::1]"] {
                let base = Url::parse(base).unwrap();
                if let Ok(url) = append(&base, &path) {
                    prop_assert!(is_below(&base, &url));
                    prop_assert!(url.path().starts_with(base.path()));
                    prop_assert!(http::Uri::try_from(url.as_str()).is_ok());
                }
            }
        }
    }
}
