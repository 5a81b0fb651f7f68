//! Why a relay stops for good, and what to do about it.

use dragoman_core::Position;
use dragoman_store::{LineageError, StoreError};
use dragoman_stream::StreamError;
use thiserror::Error;

/// A relay halted. What passes by itself (Postgres or Kafka away, the lease lost) is
/// waited out and never gets here; everything here needs a person.
#[derive(Debug, Error)]
pub enum RelayError {
    /// Kafka, or a checkpoint, holds events that the ledger does not.
    #[error("the ledger is not the one that was published from; nothing was sealed")]
    Lineage {
        /// Whose tail differs, what it holds and what the ledger holds.
        #[source]
        source: Box<LineageError>,
    },
    /// The ledger was sealed in another cluster.
    #[error(
        "the ledger was sealed in cluster {sealed_in} and this is cluster {here}: transaction ids mean nothing across clusters"
    )]
    ForeignCluster {
        /// The system identifier recorded in the ledger.
        sealed_in: i64,
        /// The system identifier of the database that answers now.
        here: i64,
    },
    /// A topic has another number of partitions than when it was first met.
    #[error(
        "topic {topic} has {found} partitions and had {recorded} when it was first published to"
    )]
    PartitionsChanged {
        /// The topic.
        topic: String,
        /// How many it had.
        recorded: i32,
        /// How many it has.
        found: i32,
    },
    /// The catalogue has no topic for an event in the log.
    #[error(
        "the event at position {position} has type {event_type}, which the catalogue does not know"
    )]
    UnknownType {
        /// Its type.
        event_type: String,
        /// Where it stands.
        position: Position,
    },
    /// Kafka did not take an event, or refused what was asked.
    #[error("Kafka refused")]
    Stream {
        /// What, and why.
        #[source]
        source: StreamError,
    },
    /// Postgres refused.
    #[error("the relay cannot go on without its database")]
    Store {
        /// What, and why.
        #[source]
        source: StoreError,
    },
    /// A task of the relay ended without a result.
    #[error("a task of the relay ended unexpectedly")]
    TaskLost,
}

impl RelayError {
    /// A stable word for it, as `status` shows it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Lineage { .. } => "lineage",
            Self::ForeignCluster { .. } => "foreign_cluster",
            Self::PartitionsChanged { .. } => "partitions_changed",
            Self::UnknownType { .. } => "unknown_type",
            Self::Stream { source } => match source {
                StreamError::Delivery { .. } => "delivery_failed",
                StreamError::TopicRefused { .. } => "topic_refused",
                StreamError::Settings { .. } | StreamError::Setting { .. } => "kafka_settings",
                StreamError::Call { .. } | StreamError::Fatal { .. } | StreamError::ThreadLost => {
                    "kafka"
                }
            },
            Self::Store { .. } => "store",
            Self::TaskLost => "task_lost",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Lineage { .. } => {
                "Postgres came back older than what was published (a restore or a failover that lost commits), or `kafka:` points at another hub's cluster. \
                 Bring back the newest copy of the database; or, if the younger events are given up, point `kafka:` at fresh topics and rebuild the projections named above."
                    .to_owned()
            }
            Self::ForeignCluster { .. } => {
                "If this database was moved here by dump and restore, run `dragoman migrate --rebase` once, with everything else stopped. If not, correct `postgres:`."
                    .to_owned()
            }
            Self::PartitionsChanged { topic, recorded, .. } => format!(
                "More partitions move subjects to other partitions and break their order. Make a new topic with the count you want and name it under `events:`, or make {topic} again with {recorded} partitions: projections fill what is missing from the log."
            ),
            Self::UnknownType { event_type, .. } => format!(
                "Put {event_type} back under `events:` with its topic; a type that the log holds keeps its entry."
            ),
            Self::Stream { source } => match source {
                StreamError::Delivery { .. } => {
                    "Look at the cause above. A record too large: raise `max.message.bytes` of the topic. An authorisation: grant write access. A topic that was deleted: the start makes it again, and projections fill what it lost from the log. Then start the relay again: it goes on behind the last record of each partition."
                        .to_owned()
                }
                StreamError::TopicRefused { .. }
                | StreamError::Settings { .. }
                | StreamError::Setting { .. } => {
                    "Correct `kafka:` in the configuration and start the relay again.".to_owned()
                }
                StreamError::Call { .. } | StreamError::Fatal { .. } | StreamError::ThreadLost => {
                    "Look at the cause above and at the broker's log, then start the relay again."
                        .to_owned()
                }
            },
            Self::Store { .. } => {
                "Look at the cause above and at the server's log; `dragoman migrate` when the schema is not this version's. Then start the relay again."
                    .to_owned()
            }
            Self::TaskLost => {
                "Start the relay again, and report the lines of the log before this one.".to_owned()
            }
        }
    }

    /// Whether it passes by itself: Postgres or Kafka away.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Store { source } => source.is_unavailable(),
            Self::Stream { source } => source.is_unavailable(),
            Self::Lineage { .. }
            | Self::ForeignCluster { .. }
            | Self::PartitionsChanged { .. }
            | Self::UnknownType { .. }
            | Self::TaskLost => false,
        }
    }

    pub(crate) fn store(source: StoreError) -> Self {
        Self::Store { source }
    }

    pub(crate) fn stream(source: StreamError) -> Self {
        Self::Stream { source }
    }
}
