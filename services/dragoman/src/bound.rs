//! A place in the log, as it is said on a command line.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use dragoman_core::Position;
use dragoman_store::EventBound;

/// A position, a day or a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound(pub(crate) EventBound);

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(position) = text.parse() {
            return Ok(Self(EventBound::Position(Position(position))));
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(EventBound::Time(time.with_timezone(&Utc))));
        }
        text.parse::<NaiveDate>()
            .ok()
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .map(|midnight| Self(EventBound::Time(midnight.and_utc())))
            .ok_or_else(|| {
                "write a position (42), a day (2026-11-01, from midnight UTC) or a time (2026-11-01T08:00:00Z)"
                    .to_owned()
            })
    }
}
