//! Where an event stands in the sealed log, and who it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of an event in the sealed log: dense, gap-free and final, from 1.
///
/// `Position::ZERO` is the place before the first event; no event has it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// As 20 digits with leading zeros, the form of the `ce_sequence` header:
    /// it sorts as text the way it sorts as a number.
    #[must_use]
    pub fn zero_padded(self) -> String {
        format!("{:020}", self.0)
    }

    /// Reads what [`Position::zero_padded`] wrote. `None` for anything else than digits.
    #[must_use]
    pub fn from_zero_padded(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What makes an event this event and no other, wherever it is seen: its place
/// and its key. Two histories that disagree on an identity are different lineages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its place in the sealed log.
    pub position: Position,
    /// Its CloudEvents `source`.
    pub source: String,
    /// Its CloudEvents `id`, unique within the source.
    pub id: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "event {} of source {} at position {}",
            self.id, self.source, self.position
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn zero_padded_round_trips_and_refuses_anything_else() {
        assert_eq!(Position(42).zero_padded(), "00000000000000000042");
        assert_eq!(
            Position::from_zero_padded("00000000000000000042"),
            Some(Position(42))
        );
        for bad in ["", "-1", "+1", "1x", "99999999999999999999"] {
            assert_eq!(Position::from_zero_padded(bad), None, "{bad}");
        }
    }
}
