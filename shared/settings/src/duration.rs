//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

use crate::resolve;

/// A span of time: a whole number and its unit, `200ms`, `10s`, `5m`, `72h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub Duration);

/// A text that is no duration.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a duration; write a whole number and its unit, ms, s, m, h or d, as in 200ms, 10s, 5m, 72h, 7d"
)]
pub struct PeriodError(String);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Period {
    /// Of so many milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// Of so many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let milliseconds = UNITS
            .iter()
            .find(|(name, _)| *name == unit.trim())
            .and_then(|(_, milliseconds)| number.parse::<u64>().ok()?.checked_mul(*milliseconds))
            .ok_or_else(|| PeriodError(text.to_owned()))?;
        Ok(Self::from_millis(milliseconds))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        for (name, unit) in UNITS {
            if milliseconds > 0 && milliseconds.is_multiple_of(u128::from(unit)) {
                return write!(formatter, "{}{name}", milliseconds / u128::from(unit));
            }
        }
        write!(formatter, "{milliseconds}ms")
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        resolve(&text)
            .map_err(D::Error::custom)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// As it is written in the file: defaults stand so in the reference.
impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration: a whole number and its unit, ms, s, m, h or d: `200ms`, `10s`, `5m`, `72h`, `7d`."
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Period;
    use std::time::Duration;

    #[test]
    fn durations_are_read_and_written_the_same() {
        for text in ["0ms", "200ms", "10s", "5m", "72h", "7d", "90s", "1500ms"] {
            let period: Period = text.parse().unwrap();
            let again: Period = period.to_string().parse().unwrap();
            assert_eq!(period, again, "{text}");
        }
        assert_eq!(
            "5m".parse::<Period>().unwrap().duration(),
            Duration::from_secs(300)
        );
        assert_eq!("48h".parse::<Period>().unwrap().to_string(), "2d");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_examples() {
        for bad in [
            "",
            "10",
            "s",
            "-1s",
            "1.5h",
            "10 parsecs",
            "99999999999999999999d",
        ] {
            let error = bad.parse::<Period>().unwrap_err();
            assert!(error.to_string().contains("10s"), "{bad}");
        }
    }
}
