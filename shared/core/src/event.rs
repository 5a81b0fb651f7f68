//! An event as it came in, and as it stands in the log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

use crate::{Identity, Position, subject_hash};

/// The content type of every payload that the hub stores today.
pub const JSON: &str = "application/json";

/// The longest `id`, `source`, `type` or `subject`, in bytes: they become keys of
/// indexes and of Kafka records.
pub const MAX_NAME_BYTES: usize = 1024;

/// Something that happened, in the vocabulary of CloudEvents 1.0. Not yet in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unique within its source; the second half of the dedupe key.
    pub id: String,
    /// Who says it; the first half of the dedupe key.
    pub source: String,
    /// What kind of fact it is; names an entry of the catalogue.
    pub event_type: String,
    /// What it is about; the ordering key, and the key of its Kafka record.
    pub subject: String,
    /// When it happened, by the sender's clock.
    pub time: DateTime<Utc>,
    /// Media type of `data`.
    pub content_type: String,
    /// The payload exactly as it came, byte for byte. JSON text, hence UTF-8.
    pub data: String,
    /// W3C `traceparent` under which it came in.
    pub traceparent: Option<String>,
    /// CloudEvents extension attributes, by their lower-case names.
    pub extensions: BTreeMap<String, String>,
}

/// An event in the sealed log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its final place.
    pub position: Position,
    /// The number it got when it was inserted: order of arrival, with gaps.
    pub seq: i64,
    /// When it was stored, by the database's clock.
    pub stored_at: DateTime<Utc>,
    /// What was said.
    pub event: Event,
}

/// An attribute that no event may have.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum EventError {
    /// A required attribute is missing or empty.
    #[error("`{attribute}` is missing or empty; every event needs one")]
    Missing {
        /// The CloudEvents name of the attribute.
        attribute: &'static str,
    },
    /// An attribute is longer than [`MAX_NAME_BYTES`].
    #[error("`{attribute}` has {bytes} bytes; {MAX_NAME_BYTES} is the most")]
    TooLong {
        /// The CloudEvents name of the attribute.
        attribute: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// An attribute holds a control character (NUL and line breaks among them).
    #[error("`{attribute}` holds a control character; use printable text")]
    ControlCharacter {
        /// The CloudEvents name of the attribute.
        attribute: &'static str,
    },
}

impl Event {
    /// Checks the attributes that make keys: present, short enough, printable.
    ///
    /// # Errors
    /// The first attribute that is not, in the order id, source, type, subject.
    pub fn check_attributes(&self) -> Result<(), EventError> {
        for (attribute, value) in [
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.event_type),
            ("subject", &self.subject),
        ] {
            check_name(attribute, value)?;
        }
        Ok(())
    }

    /// The hash that decides its partition: see [`subject_hash`].
    #[must_use]
    pub fn subject_hash(&self) -> i32 {
        subject_hash(&self.subject)
    }
}

impl RecordedEvent {
    /// Who it is, for comparing histories.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            position: self.position,
            source: self.event.source.clone(),
            id: self.event.id.clone(),
        }
    }
}

fn check_name(attribute: &'static str, value: &str) -> Result<(), EventError> {
    if value.is_empty() {
        return Err(EventError::Missing { attribute });
    }
    if value.len() > MAX_NAME_BYTES {
        return Err(EventError::TooLong {
            attribute,
            bytes: value.len(),
        });
    }
    if value.chars().any(char::is_control) {
        return Err(EventError::ControlCharacter { attribute });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Event, EventError, JSON};
    use chrono::DateTime;

    fn event() -> Event {
        Event {
            id: "1".into(),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            subject: "order-1".into(),
            time: DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: "{}".into(),
            traceparent: None,
            extensions: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn attributes_that_cannot_be_keys_are_refused_by_name() {
        assert_eq!(event().check_attributes(), Ok(()));
        let empty = Event {
            subject: String::new(),
            ..event()
        };
        assert_eq!(
            empty.check_attributes(),
            Err(EventError::Missing {
                attribute: "subject"
            })
        );
        let nul = Event {
            id: "a\0b".into(),
            ..event()
        };
        assert_eq!(
            nul.check_attributes(),
            Err(EventError::ControlCharacter { attribute: "id" })
        );
        let long = Event {
            source: "x".repeat(1025),
            ..event()
        };
        assert!(matches!(
            long.check_attributes(),
            Err(EventError::TooLong { bytes: 1025, .. })
        ));
    }
}
