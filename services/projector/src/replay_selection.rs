//! Which events an operator wants sent again.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use dragoman_core::{Position, RecordedEvent, TypePattern};
use dragoman_store::{EventBound, EventFilter};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Definition;

/// Which events an operator wants sent again. It is kept with the replay: only the same
/// one takes up a replay that was interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaySelection {
    /// From here on, included.
    #[serde(with = "KeptBound")]
    pub from: EventBound,
    /// Up to here, included.
    #[serde(with = "KeptBound")]
    pub to: EventBound,
    /// Of these types; none: of all that the projection follows.
    #[serde(serialize_with = "write_patterns", deserialize_with = "read_patterns")]
    pub types: Vec<TypePattern>,
    /// Of these subjects; none: of any.
    pub subjects: Vec<String>,
}

/// A bound as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(remote = "EventBound", rename_all = "snake_case")]
enum KeptBound {
    Position(Position),
    Time(DateTime<Utc>),
}

impl ReplaySelection {
    /// The types that it is about among those that a projection follows.
    pub(crate) fn types_of<'d>(&self, definition: &'d Definition) -> Vec<&'d str> {
        let followed = definition.events.keys().map(String::as_str);
        followed.filter(|name| self.is_of_type(name)).collect()
    }

    fn is_of_type(&self, event_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(event_type))
    }

    /// What the log is searched by; [`covers`](Self::covers) decides about what it finds.
    pub(crate) fn filter(&self, definition: &Definition) -> EventFilter {
        let types = self.types_of(definition);
        EventFilter {
            types: types.iter().filter_map(|name| name.parse().ok()).collect(),
            subject: match self.subjects.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            source: None,
            from: Some(self.from),
            to: Some(self.to),
        }
    }

    /// Whether an event that was found is one of a projection's, and of the subjects that
    /// are meant.
    pub(crate) fn covers(&self, definition: &Definition, event: &RecordedEvent) -> bool {
        let event_type = &event.event.event_type;
        definition.events.contains_key(event_type)
            && self.is_of_type(event_type)
            && (self.subjects.is_empty() || self.subjects.contains(&event.event.subject))
    }

    /// The position that it does not go above, where it names one.
    pub(crate) const fn last(&self) -> Option<Position> {
        match self.to {
            EventBound::Position(position) => Some(position),
            EventBound::Time(_) => None,
        }
    }

    /// The position that it does not go below, as far as it says so.
    pub(crate) fn first(&self) -> Position {
        match self.from {
            EventBound::Position(position) => position,
            EventBound::Time(_) => Position::ZERO,
        }
    }
}

/// As it is typed.
impl fmt::Display for ReplaySelection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "--from {} --to {}",
            typed(self.from),
            typed(self.to)
        )?;
        for pattern in &self.types {
            write!(formatter, " --type {}", quoted(pattern.as_str()))?;
        }
        for subject in &self.subjects {
            write!(formatter, " --subject {}", quoted(subject))?;
        }
        Ok(())
    }
}

fn typed(bound: EventBound) -> String {
    match bound {
        EventBound::Position(position) => position.to_string(),
        EventBound::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn write_patterns<S: Serializer>(
    patterns: &[TypePattern],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(patterns.iter().map(TypePattern::as_str))
}

fn read_patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TypePattern>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let patterns = texts.iter().map(|text| text.parse());
    patterns.collect::<Result<_, _>>().map_err(D::Error::custom)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dragoman_core::Position;
    use dragoman_store::EventBound;

    use super::ReplaySelection;

    #[test]
    fn it_is_kept_as_it_is_and_shown_as_it_is_typed() {
        let selection = ReplaySelection {
            from: EventBound::Time("2026-11-01T00:00:00Z".parse().unwrap()),
            to: EventBound::Position(Position(4711)),
            types: vec!["order.*".parse().unwrap()],
            subjects: vec!["order-1".into(), "it's".into()],
        };
        assert_eq!(
            selection.to_string(),
            r"--from 2026-11-01T00:00:00Z --to 4711 --type 'order.*' --subject order-1 --subject 'it'\''s'"
        );
        let kept = serde_json::to_string(&selection).unwrap();
        assert_eq!(
            serde_json::from_str::<ReplaySelection>(&kept).unwrap(),
            selection
        );
    }
}
