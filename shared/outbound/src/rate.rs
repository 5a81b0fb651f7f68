//! Rates as people write them.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use dragoman_settings::resolve;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

/// The most calls that a rate can name, per unit.
const MAX_CALLS: u32 = 1_000_000;

/// How many calls in how long: `100/s`, `600/m`, `3600/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    calls: NonZeroU32,
    per: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a rate; write a whole number from 1 to {MAX_CALLS}, a slash, and s, m or h, as in 100/s, 600/m, 3600/h"
)]
pub struct RateError(String);

impl Unit {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }

    const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }
}

impl Rate {
    /// The time from one call to the next when they are spread evenly.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.per.duration() / self.calls.get()
    }

    /// How many calls may go out at once: what a tenth of a second is worth, at least one.
    #[must_use]
    pub fn burst(self) -> u32 {
        let tenths = u32::try_from(self.per.duration().as_secs() * 10).unwrap_or(u32::MAX);
        (self.calls.get() / tenths).max(1)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rate = || {
            let (calls, unit) = text.split_once('/')?;
            let (calls, unit) = (calls.trim_end(), unit.trim_start());
            // `parse` would take a sign.
            if !calls.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            let calls: NonZeroU32 = calls.parse().ok()?;
            let per = Unit::ALL.into_iter().find(|known| known.name() == unit)?;
            (calls.get() <= MAX_CALLS).then_some(Self { calls, per })
        };
        rate().ok_or_else(|| RateError(text.to_owned()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.calls, self.per.name())
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        resolve(&text)
            .map_err(D::Error::custom)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// As it is written in the file: defaults stand so in the reference.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A rate: a whole number, a slash, and s, m or h: `100/s`, `600/m`, `3600/h`."
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::Rate;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_and_written_the_same() {
        for text in ["1/s", "100/s", "600/m", "3600/h", "1000000/s"] {
            assert_eq!(rate(text).to_string(), text);
            assert_eq!(
                serde_json::to_string(&rate(text)).unwrap(),
                format!("{text:?}")
            );
        }
        assert_eq!(rate("100 / s"), rate("100/s"));
        let read: Rate = serde_json::from_str("\"600/m\"").unwrap();
        assert_eq!(read, rate("600/m"));
    }

    #[test]
    fn a_rate_says_how_far_apart_and_how_many_at_once() {
        assert_eq!(rate("100/s").interval(), Duration::from_millis(10));
        assert_eq!(rate("600/m").interval(), Duration::from_millis(100));
        assert_eq!(rate("1/h").interval(), Duration::from_secs(3600));
        assert_eq!(rate("100/s").burst(), 10);
        assert_eq!(rate("19/s").burst(), 1);
        assert_eq!(rate("6000/m").burst(), 10);
        assert_eq!(rate("3600/h").burst(), 1);
    }

    #[test]
    fn what_is_no_rate_is_refused_with_examples() {
        for bad in [
            "",
            "100",
            "/s",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "100/d",
            "100/",
            "100/s/s",
            "1000001/s",
            "99999999999/s",
            "١/s",
        ] {
            let error = bad.parse::<Rate>().unwrap_err();
            assert!(error.to_string().contains("600/m"), "{bad}");
        }
        let error = serde_json::from_str::<Rate>("\"often\"").unwrap_err();
        assert!(error.to_string().contains("often"), "{error}");
    }
}
