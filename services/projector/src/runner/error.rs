//! Why a projection stops for good, and what to do about it.

use std::time::Duration;

use dragoman_core::Identity;
use dragoman_outbound::EndpointError;
use dragoman_store::{LineageError, StoreError};
use dragoman_stream::StreamError;
use thiserror::Error;

use crate::{OpenError, TargetError};

/// A projection halted. What passes by itself (a database or Kafka away) is waited out
/// and never gets here; everything here needs a person.
#[derive(Debug, Error)]
pub enum ProjectorError {
    /// Its rows were made by another definition.
    #[error("the definition of projection {projection} has changed since it began")]
    DefinitionChanged {
        /// The projection.
        projection: String,
    },
    /// The table is there and is not what the definition says.
    #[error("table {table} does not fit projection {projection}: {difference}")]
    TableDiffers {
        /// The projection.
        projection: String,
        /// The table.
        table: String,
        /// What is different.
        difference: String,
    },
    /// The checkpoints, or Kafka, hold events that the ledger does not.
    #[error("the ledger is not the one that projection {projection} was built from")]
    Lineage {
        /// The projection.
        projection: String,
        /// Whose event differs, what it is and what the ledger holds.
        #[source]
        source: Box<LineageError>,
    },
    /// A topic has more partitions than when it was first published to.
    #[error(
        "projection {projection} was given partition {partition} of topic {topic}, which had {recorded} partitions when it was first published to"
    )]
    PartitionsChanged {
        /// The projection.
        projection: String,
        /// The topic.
        topic: String,
        /// The partition that it should not have.
        partition: i32,
        /// How many it had.
        recorded: i32,
    },
    /// The target refused.
    #[error("projection {projection} cannot go on in its target")]
    Target {
        /// The projection.
        projection: String,
        /// What, and why.
        #[source]
        source: TargetError,
    },
    /// The hub's database refused.
    #[error("projection {projection} cannot go on without the hub's database")]
    Store {
        /// The projection.
        projection: String,
        /// What, and why.
        #[source]
        source: StoreError,
    },
    /// Kafka refused.
    #[error("projection {projection} cannot read from Kafka")]
    Stream {
        /// The projection.
        projection: String,
        /// What, and why.
        #[source]
        source: Box<StreamError>,
    },
    /// There is nothing to rebuild or to accept yet.
    #[error("projection {projection} has never run, so there is no table of it yet")]
    NeverOpened {
        /// The projection.
        projection: String,
    },
    /// Nothing can be called with the options of its sink.
    #[error("projection {projection} cannot call its receiver")]
    Receiver {
        /// The projection.
        projection: String,
        /// Why.
        #[source]
        source: EndpointError,
    },
    /// There is no table to rebuild.
    #[error("projection {projection} has no table: what it does, it does elsewhere")]
    NoTable {
        /// The projection.
        projection: String,
    },
    /// Somebody else rebuilds it.
    #[error("another rebuild of projection {projection} is running")]
    RebuildRuns {
        /// The projection.
        projection: String,
    },
    /// A rebuild with `order: total` met an event that fails.
    #[error("the rebuild of projection {projection} cannot go past {event}: {reason}")]
    RebuildStopped {
        /// The projection.
        projection: String,
        /// The event.
        event: Identity,
        /// Why it fails.
        reason: String,
    },
    /// A database, or the network before it, did not answer in time.
    #[error(
        "projection {projection} had no answer from a database for {} s; that connection counts as lost",
        waited.as_secs()
    )]
    NoAnswer {
        /// The projection.
        projection: String,
        /// For how long.
        waited: Duration,
    },
    /// A task of the projection ended without a result.
    #[error("a task of projection {projection} ended unexpectedly")]
    TaskLost {
        /// The projection.
        projection: String,
    },
}

impl ProjectorError {
    /// A stable word for it, as `status` shows it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DefinitionChanged { .. } => "definition_changed",
            Self::TableDiffers { .. } => "table_differs",
            Self::Lineage { .. } => "lineage",
            Self::PartitionsChanged { .. } => "partitions_changed",
            Self::Target { .. } => "target",
            Self::Store { .. } => "store",
            Self::Stream { source, .. } => match **source {
                StreamError::Settings { .. } | StreamError::Setting { .. } => "kafka_settings",
                StreamError::Call { .. }
                | StreamError::TopicRefused { .. }
                | StreamError::Delivery { .. }
                | StreamError::Fatal { .. }
                | StreamError::ThreadLost => "kafka",
            },
            Self::NeverOpened { .. } => "never_opened",
            Self::Receiver { .. } => "receiver",
            Self::NoTable { .. } => "no_table",
            Self::RebuildRuns { .. } => "rebuild_runs",
            Self::RebuildStopped { .. } => "rebuild_stopped",
            Self::NoAnswer { .. } => "no_answer",
            Self::TaskLost { .. } => "task_lost",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::DefinitionChanged { projection } => format!(
                "`dragoman rebuild {projection}` makes its rows anew by the new definition, beside the live table. If what it did until now is right as it is (requests cannot be taken back), say so: `dragoman rebuild {projection} --accept-definition --reason …`."
            ),
            Self::TableDiffers {
                projection, table, ..
            } => format!(
                "Alter {table} to what the definition says, or name another table; `dragoman rebuild {projection}` makes a fresh one."
            ),
            Self::Lineage { projection, .. } => format!(
                "Postgres came back older than what this projection has seen (a restore or a failover that lost commits), or `postgres:` or the sink's `url:` names another database. \
                 Bring back the newest copy of the hub's database; or, if the younger events are given up, `dragoman rebuild {projection}`."
            ),
            Self::PartitionsChanged {
                topic, recorded, ..
            } => format!(
                "More partitions move subjects to other partitions and break their order. Make a new topic with the count you want and name it under `events:`, or make {topic} again with {recorded} partitions: what is missing is filled from the log."
            ),
            Self::Target { projection, .. } => format!(
                "Look at the cause above: a missing right, or a table or a function that was altered, most often. Mend it and start the projection again; a table of its own `dragoman rebuild {projection}` makes anew."
            ),
            Self::Store { .. } => {
                "Look at the cause above and at the server's log; `dragoman migrate` when the schema is not this version's. Then start the projection again."
                    .to_owned()
            }
            Self::Stream { .. } => {
                "Look at the cause above and at the broker's log; correct `kafka:` or the rights of its user. Then start the projection again."
                    .to_owned()
            }
            Self::NeverOpened { projection } => {
                format!("Start it once: `dragoman run projection {projection}`.")
            }
            Self::Receiver { .. } => {
                "Correct the sink of the projection; `dragoman check` shows where.".to_owned()
            }
            Self::NoTable { projection } => format!(
                "Send events again with `dragoman replay {projection} --from … --to … --resend`. If its definition has changed and what was sent is right, say so: `dragoman rebuild {projection} --accept-definition --reason …`."
            ),
            Self::RebuildRuns { .. } => {
                "Wait for it; if its process was killed, its lease ends within a few seconds."
                    .to_owned()
            }
            Self::RebuildStopped { projection, .. } => format!(
                "The live table is as it was. Mend the program of the definition; or skip the event in the live projection (`dragoman parked skip SUBJECT --projection {projection} --reason …`): a rebuild honours what was decided."
            ),
            Self::NoAnswer { .. } => {
                "It is tried again by itself. Look at the network between this process and its databases."
                    .to_owned()
            }
            Self::TaskLost { .. } => {
                "Start the projection again, and report the lines of the log before this one."
                    .to_owned()
            }
        }
    }

    /// Whether it passes by itself: a database or Kafka away.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Target { source, .. } => source.is_unavailable(),
            Self::Store { source, .. } => source.is_unavailable(),
            Self::Stream { source, .. } => source.is_unavailable(),
            Self::NoAnswer { .. } => true,
            Self::DefinitionChanged { .. }
            | Self::TableDiffers { .. }
            | Self::Lineage { .. }
            | Self::PartitionsChanged { .. }
            | Self::NeverOpened { .. }
            | Self::Receiver { .. }
            | Self::NoTable { .. }
            | Self::RebuildRuns { .. }
            | Self::RebuildStopped { .. }
            | Self::TaskLost { .. } => false,
        }
    }

    pub(crate) fn target(projection: &str) -> impl FnOnce(TargetError) -> Self {
        let projection = projection.to_owned();
        move |source| Self::Target { projection, source }
    }

    pub(crate) fn store(projection: &str) -> impl FnOnce(StoreError) -> Self {
        let projection = projection.to_owned();
        move |source| Self::Store { projection, source }
    }

    pub(crate) fn stream(projection: &str) -> impl FnOnce(StreamError) -> Self {
        let projection = projection.to_owned();
        move |source| Self::Stream {
            projection,
            source: Box::new(source),
        }
    }

    pub(crate) fn lineage(projection: &str) -> impl FnOnce(LineageError) -> Self {
        let projection = projection.to_owned();
        move |error| match error {
            LineageError::Store(source) => Self::Store { projection, source },
            differs @ (LineageError::Other { .. } | LineageError::Beyond { .. }) => Self::Lineage {
                projection,
                source: Box::new(differs),
            },
        }
    }

    pub(crate) fn open(projection: &str) -> impl FnOnce(OpenError) -> Self {
        let outer = projection.to_owned();
        move |error| match error {
            OpenError::DefinitionChanged { projection } => Self::DefinitionChanged { projection },
            OpenError::TableDiffers {
                projection,
                table,
                difference,
            } => Self::TableDiffers {
                projection,
                table,
                difference,
            },
            OpenError::NoTable { projection } => Self::NoTable { projection },
            OpenError::Target(source) => Self::Target {
                projection: outer,
                source,
            },
        }
    }
}
