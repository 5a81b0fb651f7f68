//! Who brings events to a projection, and how far it has brought them.

use std::collections::BTreeSet;
use std::fmt;

use dragoman_core::{Identity, Position, RecordedEvent, partition_for, subject_hash};

/// Where events of a projection come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reader {
    /// The ledger as a whole, in one line.
    Ledger,
    /// One partition of a topic that has `partitions` of them.
    Partition {
        /// The topic.
        topic: String,
        /// The partition, from 0.
        partition: i32,
        /// How many the topic has.
        partitions: i32,
    },
}

/// Which kind of reader a generation of a projection is brought its events by. One
/// at a time: the mode stands in the generation's row and is looked at in each
/// transaction, so that a process with an older configuration cannot go on beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderMode {
    /// Partitions of topics.
    Kafka,
    /// The ledger.
    Ledger,
}

/// The newest owner record of a reader: everything of `types` that the reader covers
/// is applied, parked or skipped up to `position`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose.
    pub reader: Reader,
    /// The event types that it brought. When they change (a type moved to another
    /// topic) the old record stays and goes on to count: a new one begins.
    pub types: BTreeSet<String>,
    /// How far.
    pub position: Position,
    /// Who the event at `position` is; `None` only at the very beginning.
    pub identity: Option<Identity>,
    /// The offset to go on reading from, where there are offsets.
    pub next_offset: Option<i64>,
    /// How many events took effect through this reader, from its beginning.
    pub applied: i64,
}

impl Reader {
    /// Whether a subject of a topic is this reader's.
    #[must_use]
    pub fn covers(&self, hash: i32) -> bool {
        match self {
            Self::Ledger => true,
            Self::Partition {
                partition,
                partitions,
                ..
            } => partition_for(hash, *partitions) == *partition,
        }
    }

    /// Its mode.
    #[must_use]
    pub const fn mode(&self) -> ReaderMode {
        match self {
            Self::Ledger => ReaderMode::Ledger,
            Self::Partition { .. } => ReaderMode::Kafka,
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger => formatter.write_str("the ledger"),
            Self::Partition {
                topic, partition, ..
            } => write!(formatter, "partition {partition} of topic {topic}"),
        }
    }
}

impl Checkpoint {
    /// Whether this record says that the event is done with: it is one of its types,
    /// falls to its reader, and is not above its position.
    #[must_use]
    pub fn is_done(&self, event: &RecordedEvent) -> bool {
        event.position <= self.position
            && self.types.contains(&event.event.event_type)
            && self.reader.covers(subject_hash(&event.event.subject))
    }
}
