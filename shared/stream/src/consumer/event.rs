//! What a [`Consumer`](super::Consumer) tells its owner, in order.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{ForeignRecord, Record, TopicPartition};

/// What happened, in the order in which it happened.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// Partitions were given to this consumer. Nothing of them is read until
    /// [`Assignment::start`] says from where.
    Assigned(Assignment),
    /// Partitions were taken away. No record of them follows, and nobody else gets
    /// them before this event is dropped or [`Revocation::done`] is called (or the
    /// consumer's patience ends).
    Revoked(Revocation),
    /// Records of one partition, by offset.
    Records {
        /// Where they lie.
        partition: TopicPartition,
        /// At least one, at most [`ConsumerOptions::batch`](super::ConsumerOptions).
        records: Vec<Record>,
    },
    /// The partition does not go on where it should have: the first record handed
    /// over has another offset than the one asked for. Said before that record.
    Jumped {
        /// Which.
        partition: TopicPartition,
        /// The offset that was asked for, or expected next.
        expected: i64,
        /// The offset that came. Lower: the topic was made anew, or truncated at its
        /// end. Higher: retention took the records between.
        found: i64,
    },
    /// A record that no relay wrote; it was passed over.
    Foreign(ForeignRecord),
}

/// Partitions that were just given to this consumer.
#[derive(Debug)]
pub struct Assignment {
    pub(crate) claims: Vec<Claim>,
    pub(crate) answer: oneshot::Sender<Vec<StartFrom>>,
}

/// One partition of an [`Assignment`].
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which.
    pub partition: TopicPartition,
    /// Cancelled as soon as the partition is taken away, which is before
    /// [`ConsumerEvent::Revoked`] can be seen: stop working on it then.
    pub revoked: CancellationToken,
}

/// From where a partition is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFrom {
    /// Which.
    pub partition: TopicPartition,
    /// The offset of the first record wanted; `None`: from the oldest there is. An
    /// offset that the partition does not have is taken as `None`.
    pub offset: Option<i64>,
}

impl Assignment {
    /// The partitions in question.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Says from where to read. A partition that is not named is read from the
    /// oldest record.
    pub fn start(self, from: Vec<StartFrom>) {
        // The consumer may have been closed meanwhile; then nobody wants to know.
        let _closed = self.answer.send(from);
    }
}

/// Partitions that were taken away from this consumer.
#[derive(Debug)]
pub struct Revocation {
    pub(crate) partitions: Vec<TopicPartition>,
    pub(crate) lost: bool,
    pub(crate) answer: oneshot::Sender<()>,
}

impl Revocation {
    /// Which ones.
    #[must_use]
    pub fn partitions(&self) -> &[TopicPartition] {
        &self.partitions
    }

    /// Whether somebody else may have them already, because this consumer was too
    /// slow: what is in hand will fail at the owner record.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Says that work on them has stopped.
    pub fn done(self) {
        let _closed = self.answer.send(());
    }
}
