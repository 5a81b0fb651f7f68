//! Reading one partition, as fast as its reader takes what there is.
//!
//! Each partition has a queue of its own in the client, so a reader that is busy holds up
//! no other, and the client asks Kafka for more of a partition when its queue has room.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::sync::Notify;

use super::context::GroupContext;
use crate::client::complain;
use crate::headers::decode;
use crate::{ForeignRecord, Record, StreamError, TopicPartition};

/// What a partition holds next.
#[derive(Debug)]
pub enum Found {
    /// A record of the hub.
    Record(Record),
    /// A record that no relay wrote; it was passed over.
    Foreign(ForeignRecord),
    /// The partition does not go on where it should have: the record that comes next has
    /// another offset than the one asked for.
    Jumped {
        /// The offset that was asked for, or expected next.
        expected: i64,
        /// The offset that came. Lower: the topic was made anew, or truncated at its
        /// end. Higher: retention took the records between.
        found: i64,
    },
}

/// Reads one partition of an [`Assignment`](super::Assignment), by offset. To be dropped
/// when the partition is taken away: what it finds after that may be read by another, too.
pub struct PartitionReader {
    partition: TopicPartition,
    queue: PartitionQueue<GroupContext>,
    filled: Arc<Notify>,
    /// The offset expected next; `None` until the oldest record has been seen.
    expected: Option<i64>,
    /// What was looked at and not taken yet.
    ahead: VecDeque<Found>,
}

impl PartitionReader {
    /// A queue of its own for a partition whose reading has not begun; `None` when there is
    /// no such partition.
    pub(super) fn split_from(
        consumer: &Arc<BaseConsumer<GroupContext>>,
        partition: &TopicPartition,
    ) -> Option<Self> {
        let queue = consumer.split_partition_queue(&partition.topic, partition.partition)?;
        Some(Self {
            partition: partition.clone(),
            queue,
            filled: Arc::new(Notify::new()),
            expected: None,
            ahead: VecDeque::new(),
        })
    }

    /// Before reading begins, and once no other reader of the partition is left: the client
    /// calls one back, and none any more when that is dropped.
    pub(super) fn begin(&mut self, offset: Option<i64>) {
        self.expected = offset;
        let filled = Arc::clone(&self.filled);
        self.queue
            .set_nonempty_callback(move || filled.notify_one());
    }

    /// Which partition it reads.
    #[must_use]
    pub const fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// Returns when there is something to take. Cancel safe.
    ///
    /// # Errors
    /// When the client gave up for good. What passes by itself is logged and waited out.
    pub async fn ready(&mut self) -> Result<(), StreamError> {
        // What fills the queue meanwhile leaves its word, which is not lost then.
        while self.is_empty()? {
            self.filled.notified().await;
        }
        Ok(())
    }

    /// Whether there is nothing to take right now.
    ///
    /// # Errors
    /// As [`PartitionReader::ready`].
    pub fn is_empty(&mut self) -> Result<bool, StreamError> {
        if self.ahead.is_empty()
            && let Some(found) = self.poll()?
        {
            // A jump stands before the record that it is about.
            self.ahead.push_front(found);
        }
        Ok(self.ahead.is_empty())
    }

    /// What comes next, if it is there.
    ///
    /// # Errors
    /// As [`PartitionReader::ready`].
    pub fn take(&mut self) -> Result<Option<Found>, StreamError> {
        match self.ahead.pop_front() {
            Some(found) => Ok(Some(found)),
            None => self.poll(),
        }
    }

    fn poll(&mut self) -> Result<Option<Found>, StreamError> {
        loop {
            let Some(polled) = self.queue.poll(Duration::ZERO) else {
                return Ok(None);
            };
            let message = match polled {
                Ok(message) => message,
                Err(error) => {
                    passing(error, "reading")?;
                    continue;
                }
            };
            let offset = message.offset();
            let jump = self.expected.filter(|expected| *expected != offset);
            let found = found(&self.partition, &message);
            self.expected = Some(offset + 1);
            let Some(expected) = jump else {
                return Ok(Some(found));
            };
            self.ahead.push_back(found);
            return Ok(Some(Found::Jumped {
                expected,
                found: offset,
            }));
        }
    }
}

fn found(partition: &TopicPartition, message: &BorrowedMessage<'_>) -> Found {
    let offset = message.offset();
    match decode(message.headers(), message.payload()) {
        Ok(decoded) => Found::Record(Record {
            offset,
            position: decoded.position,
            previous: decoded.previous,
            event: decoded.event,
        }),
        Err(reason) => Found::Foreign(ForeignRecord {
            partition: partition.clone(),
            offset,
            reason,
        }),
    }
}

/// Logs what passes by itself.
///
/// # Errors
/// When the client gave up for good.
pub(super) fn passing(error: KafkaError, doing: &str) -> Result<(), StreamError> {
    match error {
        KafkaError::MessageConsumptionFatal(_) | KafkaError::Canceled => Err(StreamError::Fatal {
            reason: error.to_string(),
        }),
        error => {
            complain(&error, doing);
            Ok(())
        }
    }
}

impl fmt::Debug for PartitionReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PartitionReader")
            .field("partition", &self.partition)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
