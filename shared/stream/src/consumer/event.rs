//! What a [`Consumer`](super::Consumer) tells its owner, in order.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::PartitionReader;
use crate::TopicPartition;

/// What happened, in the order in which it happened.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// Partitions were given to this consumer. Nothing of them is read until
    /// [`Assignment::start`] says from where.
    Assigned(Assignment),
    /// Partitions were taken away: their readers are to be dropped. Nobody else gets
    /// them before this event is dropped or [`Revocation::done`] is called (or the
    /// consumer's patience ends).
    Revoked(Revocation),
}

/// Partitions that were just given to this consumer.
#[derive(Debug)]
pub struct Assignment {
    pub(super) claims: Vec<Claim>,
    pub(super) readers: Vec<PartitionReader>,
    pub(super) answer: oneshot::Sender<Vec<StartFrom>>,
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

    /// Says from where to read, and gives a reader for each claim, in their order. A
    /// partition that is not named is read from the oldest record. Readers of an earlier
    /// assignment of the same partitions are to be dropped before.
    pub fn start(mut self, from: Vec<StartFrom>) -> Vec<PartitionReader> {
        for reader in &mut self.readers {
            reader.begin(offset_of(&from, reader.partition()));
        }
        // The consumer may have been closed meanwhile; then nobody wants to know.
        let _closed = self.answer.send(from);
        self.readers
    }
}

/// Where a partition is to be read from; `None`: from the oldest record.
pub(super) fn offset_of(starts: &[StartFrom], partition: &TopicPartition) -> Option<i64> {
    starts
        .iter()
        .find(|start| start.partition == *partition)
        .and_then(|start| start.offset)
}

/// Partitions that were taken away from this consumer.
#[derive(Debug)]
pub struct Revocation {
    pub(super) partitions: Vec<TopicPartition>,
    pub(super) lost: bool,
    pub(super) answer: oneshot::Sender<()>,
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
