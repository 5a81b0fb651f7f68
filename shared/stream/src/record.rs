//! What is read from a topic.

use std::fmt;
use std::sync::Arc;

use dragoman_core::{Event, Identity, Position};

use crate::HeaderError;

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic; shared, since every record names it.
    pub topic: Arc<str>,
    /// The partition within it, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition by its topic's name and number.
    #[must_use]
    pub fn new(topic: &str, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.topic, self.partition)
    }
}

/// An event as Kafka hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its offset within the partition.
    pub offset: i64,
    /// Its place in the sealed log (`ce_sequence`).
    pub position: Position,
    /// The position of the record before it in this partition (`ce_previous`);
    /// `None` on the first one.
    pub previous: Option<Position>,
    /// What was said.
    pub event: Event,
}

impl Record {
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

/// A record that no relay wrote. It has no position; nothing of the log is missing
/// because of it, and a reader passes over it and says so.
#[derive(Debug)]
pub struct ForeignRecord {
    /// Where it lies.
    pub partition: TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// Why it is none of ours.
    pub reason: HeaderError,
}
