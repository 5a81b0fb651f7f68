//! What may enter the log: types, what their data must look like, how large they may be.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use dragoman_core::{Event, EventError};
use dragoman_store::{DEFAULT_MAX_MESSAGE_BYTES, TopicRecord, record_bytes};
use dragoman_translate::{Json, Schema, Violation};
use thiserror::Error;

/// The schema of each type of the catalogue, if it has one.
pub type Schemas = BTreeMap<String, Option<Schema>>;

/// The catalogue as the way in needs it.
#[derive(Debug)]
pub struct Catalogue {
    schemas: Arc<Schemas>,
    /// The topic of each type.
    topics: BTreeMap<String, String>,
    /// The largest record that each topic takes, as it was last seen.
    limits: RwLock<HashMap<String, usize>>,
}

/// What is wrong with an event of an authentic sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EventFault {
    /// An attribute that no event may have.
    #[error(transparent)]
    Attribute(#[from] EventError),
    /// Nobody has said what such an event is.
    #[error("event type {event_type} is not in the catalogue")]
    UnknownType { event_type: String },
    /// Its data is not what the catalogue promises.
    #[error("the data of {event_type} breaks its schema{}", listed(violations))]
    Schema {
        event_type: String,
        violations: Vec<Violation>,
    },
    /// Its topic would refuse it, and stop behind it.
    #[error("the event needs {bytes} bytes, and topic {topic} takes {most}")]
    TooLarge {
        bytes: usize,
        most: usize,
        topic: String,
    },
}

fn listed(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|violation| {
            let place = if violation.pointer.is_empty() {
                "the whole"
            } else {
                &violation.pointer
            };
            format!("; {place}: {}", violation.message)
        })
        .collect()
}

impl Catalogue {
    /// A catalogue of types with their schemas, and the topic of each. Limits are the
    /// brokers' default until those of the topics are known.
    #[must_use]
    pub fn new(schemas: Arc<Schemas>, topics: BTreeMap<String, String>) -> Self {
        Self {
            schemas,
            topics,
            limits: RwLock::new(HashMap::new()),
        }
    }

    /// Takes note of what the topics take, as the broker was seen to say it.
    pub(crate) fn note_limits(&self, records: Vec<TopicRecord>) {
        let known = records
            .into_iter()
            .map(|record| (record.topic, bytes_of(record.max_message_bytes)))
            .collect();
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether an event may enter the log.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(crate) fn check(&self, event: &Event, data: Json<'_>) -> Result<(), EventFault> {
        check_event(&self.schemas, event, data)?;
        let topic = self
            .topics
            .get(&event.event_type)
            .map_or("", String::as_str);
        let most = self
            .limits
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(topic)
            .copied()
            .unwrap_or_else(|| bytes_of(DEFAULT_MAX_MESSAGE_BYTES));
        let bytes = record_bytes(event);
        if bytes > most {
            return Err(EventFault::TooLarge {
                bytes,
                most,
                topic: topic.to_owned(),
            });
        }
        Ok(())
    }
}

fn bytes_of(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or_default()
}

/// Everything about an event that can be said without a broker.
///
/// # Errors
/// The first thing that is wrong with it.
pub(crate) fn check_event(
    schemas: &Schemas,
    event: &Event,
    data: Json<'_>,
) -> Result<(), EventFault> {
    event.check_attributes()?;
    let Some(schema) = schemas.get(&event.event_type) else {
        return Err(EventFault::UnknownType {
            event_type: event.event_type.clone(),
        });
    };
    if let Some(schema) = schema {
        schema
            .validate(data)
            .map_err(|violations| EventFault::Schema {
                event_type: event.event_type.clone(),
                violations,
            })?;
    }
    Ok(())
}
