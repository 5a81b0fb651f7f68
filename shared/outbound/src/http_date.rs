//! Dates as HTTP writes them (RFC 9110, section 5.6.7).

use chrono::{DateTime, Datelike, Months, NaiveDateTime, Utc};

/// What is written today.
const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";
/// What the C library's `asctime` prints.
const ASCTIME: &str = "%a %b %e %H:%M:%S %Y";
/// RFC 850, behind the name of the day.
const RFC_850: &str = "%d-%b-%Y %H:%M:%S GMT";

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Reads any of the three formats; `None` for everything else. `now` tells the century
/// where only two digits of the year are written.
pub(crate) fn parse(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, IMF_FIXDATE)
        .or_else(|_| NaiveDateTime::parse_from_str(text, ASCTIME))
        .ok()
        .map(|moment| moment.and_utc())
        .or_else(|| parse_rfc_850(text, now))
}

/// A year that seems to be more than 50 years ahead is the most recent one in the past
/// with the same last digits.
fn parse_rfc_850(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (day, date) = text.split_once(", ")?;
    if !DAYS.contains(&day) {
        return None;
    }
    let (start, rest) = date.split_at_checked("06-Nov-".len())?;
    let (digits, rest) = rest.split_at_checked(2)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let of_century = |century: i32| {
        let moment = format!("{start}{century:02}{digits}{rest}");
        NaiveDateTime::parse_from_str(&moment, RFC_850)
            .ok()
            .map(|moment| moment.and_utc())
    };
    let century = now.year().div_euclid(100);
    let horizon = now.checked_add_months(Months::new(50 * 12))?;
    // The next century too: at the end of one, "05" is five years ahead.
    [century + 1, century, century - 1]
        .into_iter()
        .filter_map(of_century)
        .find(|moment| *moment <= horizon)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::parse;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The three examples of RFC 9110 are one moment.
    #[test]
    fn the_three_formats_are_read() {
        let moment = at("1994-11-06T08:49:37Z");
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            let read = parse(text, at("1995-01-01T00:00:00Z"));
            assert_eq!(read, Some(moment), "{text}");
        }
    }

    #[test]
    fn two_digits_of_a_year_are_at_most_fifty_years_ahead() {
        let year = |digits: &str, now: &str| {
            let text = format!("Sunday, 06-Nov-{digits} 08:49:37 GMT");
            parse(&text, at(now)).map(|moment| moment.format("%Y").to_string())
        };
        assert_eq!(year("94", "2026-01-01T00:00:00Z").unwrap(), "1994");
        assert_eq!(year("26", "2026-01-01T00:00:00Z").unwrap(), "2026");
        assert_eq!(year("75", "2026-01-01T00:00:00Z").unwrap(), "2075");
        assert_eq!(year("76", "2026-01-01T00:00:00Z").unwrap(), "1976");
        assert_eq!(year("05", "2099-01-01T00:00:00Z").unwrap(), "2105");
    }

    #[test]
    fn what_is_no_date_of_http_is_none() {
        for text in [
            "",
            "soon",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 2021 08:49:37 GMT",
            "Sonntag, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-+4 08:49:37 GMT",
            "Sunday, 06-Növ-94 08:49:37 GMT",
            "Sunday, é",
        ] {
            assert_eq!(parse(text, at("2026-01-01T00:00:00Z")), None, "{text}");
        }
    }
}
