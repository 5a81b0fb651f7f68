//! What comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::retry_after;

/// The longest body of an answer that is kept, in bytes: 1 MiB. What is behind it is not
/// read.
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The answer to a call, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, 200 to 999: what it means is the caller's to say.
    pub status: u16,
    /// The headers by their lower-case names; the values of one that came several times are
    /// joined by a comma and a space (RFC 9110, section 5.3). Bytes beyond ASCII that are
    /// not UTF-8 are read as ISO 8859-1.
    pub headers: BTreeMap<String, String>,
    /// The body as it was sent, without any content coding undone: none is asked for.
    pub body: Bytes,
    /// Whether the body was longer than [`MAX_ANSWER_BYTES`], and is only its beginning.
    pub truncated: bool,
}

impl Answer {
    /// How long the receiver asks to wait before the next call, from `Retry-After`: seconds
    /// or a date in any of HTTP's three formats, measured against the answer's own `Date`
    /// where it has one and against `now` else. Never more than
    /// [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER); `None` when the header is missing or
    /// cannot be read.
    #[must_use]
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let date = self.headers.get("date").map(String::as_str);
        retry_after::wait(self.headers.get("retry-after")?, date, now)
    }
}

/// Headers as an answer has them.
pub(crate) fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let text = text_of(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&text);
            })
            .or_insert(text);
    }
    joined
}

fn text_of(value: &[u8]) -> String {
    str::from_utf8(value).map_or_else(
        |_| value.iter().copied().map(char::from).collect(),
        ToOwned::to_owned,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::{Answer, joined};

    #[test]
    fn headers_are_joined_and_never_lost() {
        let mut headers = HeaderMap::new();
        headers.append("X-Tag", HeaderValue::from_static("a"));
        headers.append("x-tag", HeaderValue::from_static("b"));
        headers.append("x-name", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        headers.append("x-utf", HeaderValue::from_bytes("café".as_bytes()).unwrap());
        let joined = joined(&headers);
        assert_eq!(joined["x-tag"], "a, b");
        assert_eq!(joined["x-name"], "café");
        assert_eq!(joined["x-utf"], "café");
    }

    #[test]
    fn the_answers_own_clock_counts() {
        let mut answer = Answer {
            status: 429,
            headers: joined(&HeaderMap::new()),
            body: bytes::Bytes::new(),
            truncated: false,
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(answer.retry_after(now), None);
        for (name, value) in [
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("date", "Sun, 06 Nov 1994 08:49:30 GMT"),
        ] {
            answer.headers.insert(name.into(), value.into());
        }
        assert_eq!(answer.retry_after(now), Some(Duration::from_secs(7)));
    }
}
