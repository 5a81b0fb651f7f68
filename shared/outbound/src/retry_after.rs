//! When to come back (RFC 9110, section 10.2.3).

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::http_date;

/// The longest that a receiver is believed: a day. What it asks for beyond that is rather
/// a mistake than a plan, and would hold up a projection for as long.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What `Retry-After` asks for: a number of seconds, or a date in any of the three formats,
/// measured against the sender's own clock where `date` shows it. A time that has passed is
/// zero; what is neither is `None`.
pub(crate) fn wait(retry_after: &str, date: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let text = retry_after.trim();
    let wait = if is_whole_number(text) {
        // What is too large for the type is too large for the limit.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else if text.strip_prefix('-').is_some_and(is_whole_number) {
        Duration::ZERO
    } else {
        let until = http_date::parse(text, now)?;
        let sent = date.and_then(|date| http_date::parse(date.trim(), now));
        (until - sent.unwrap_or(now)).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn is_whole_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::{MAX_RETRY_AFTER, wait};

    fn seconds(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        wait(retry_after, date, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(seconds("120", None), Some(120));
        assert_eq!(seconds(" 0 ", None), Some(0));
        assert_eq!(seconds("-1", None), Some(0));
    }

    #[test]
    fn dates_are_measured_against_the_senders_clock_and_else_ours() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds(date, None), Some(37), "{date}");
            let theirs = Some("Sun, 06 Nov 1994 08:49:30 GMT");
            assert_eq!(seconds(date, theirs), Some(7), "{date}");
            assert_eq!(seconds(date, Some("yesterday")), Some(37), "{date}");
        }
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:00 GMT", None), Some(0));
    }

    #[test]
    fn what_is_absurd_is_capped_and_what_is_garbage_is_nothing() {
        let day = Some(MAX_RETRY_AFTER.as_secs());
        assert_eq!(seconds("99999999999999999999999999", None), day);
        assert_eq!(seconds("86401", None), day);
        assert_eq!(seconds("Sun, 06 Nov 2094 08:49:37 GMT", None), None);
        assert_eq!(seconds("Sat, 06 Nov 2094 08:49:37 GMT", None), day);
        for garbage in ["", "soon", "1.5", "+5", "5s", "5, 10", "-", "٣"] {
            assert_eq!(seconds(garbage, None), None, "{garbage}");
        }
        assert_eq!(MAX_RETRY_AFTER, Duration::from_secs(86_400));
    }
}
