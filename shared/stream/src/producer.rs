//! Writing events into topics: complete and in order, or not at all.
//!
//! Each partition ends up holding a prefix of what was sent to it. For that the
//! producer is idempotent and gapless, waits for a broker as long as it takes
//! (`message.timeout.ms=0`: giving one message up would leave a hole that
//! `enable.gapless.guarantee` does not report), and is finished for good at the
//! first delivery that fails.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dragoman_core::{Position, RecordedEvent};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{
    BaseRecord, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

use crate::client::{apply_properties, base, complain};
use crate::headers::encode;
use crate::{KafkaOptions, StreamError};

/// What the framing of a batch needs beside its records, in bytes.
const BATCH_FRAME: i32 = 1024;

/// How long requests on the wire may take when the producer is ended.
const ANSWERS: Duration = Duration::from_secs(1);

/// How large records and batches may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimits {
    /// The smallest `max.message.bytes` of the topics written to: no batch may be
    /// larger, since a broker refuses a batch that is too large as a whole.
    pub smallest_topic: i32,
    /// The largest one: a single record may be as large as its topic takes.
    pub largest_topic: i32,
}

/// One event on its way.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition within it; never left to the client.
    pub partition: i32,
    /// The position of the event before it in the same partition.
    pub previous: Option<Position>,
    /// The event.
    pub recorded: &'a RecordedEvent,
}

/// What became of [`Producer::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// The producer has it.
    Queued,
    /// The producer's queue is full; nothing was taken. Wait for deliveries.
    QueueFull,
}

/// A record that Kafka has acknowledged (`acks=all`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub position: Position,
    /// The offset it got in its partition.
    pub offset: i64,
}

/// Publishes events. Deliveries are collected until they are taken.
pub struct Producer {
    inner: ThreadedProducer<Reports>,
}

#[derive(Default)]
struct Reports {
    pending: Mutex<Pending>,
    progress: Notify,
}

#[derive(Default)]
struct Pending {
    deliveries: Vec<Delivery>,
    failure: Option<StreamError>,
}

impl Producer {
    /// A producer for topics with these limits. It connects by itself, and waits
    /// for a broker as long as it takes.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn connect(options: &KafkaOptions, limits: SizeLimits) -> Result<Self, StreamError> {
        let record = limits.largest_topic.max(BATCH_FRAME).to_string();
        let batch = limits.smallest_topic.saturating_sub(BATCH_FRAME);
        let batch = batch.clamp(BATCH_FRAME, 1_000_000).to_string();
        let mut config = base(options)?;
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", &record)
            .set("batch.size", &batch)
            .set("linger.ms", "0.5")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "50000")
            .set("queue.buffering.max.kbytes", "131072");
        apply_properties(&mut config, options);
        let inner = config
            .create_with_context(Reports::default())
            .map_err(|source| StreamError::Settings {
                source: source.into(),
            })?;
        Ok(Self { inner })
    }

    /// Hands one event to the producer, which copies it. Does not wait. Records of
    /// one partition are written in the order of the calls.
    ///
    /// # Errors
    /// When the event cannot be sent at all (larger than its topic takes), or the
    /// producer is finished.
    pub fn send(&self, outgoing: Outgoing<'_>) -> Result<Sent, StreamError> {
        let Outgoing {
            topic,
            partition,
            previous,
            recorded,
        } = outgoing;
        let event = &recorded.event;
        let record = BaseRecord::with_opaque_to(topic, opaque(recorded.position))
            .partition(partition)
            .key(event.subject.as_str())
            .payload(event.data.as_str())
            .headers(encode(event, recorded.position, previous));
        match self.inner.send(record) {
            Ok(()) => Ok(Sent::Queued),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                Ok(Sent::QueueFull)
            }
            Err((source, _)) => Err(StreamError::Delivery {
                topic: topic.to_owned(),
                partition,
                position: recorded.position,
                source: source.into(),
            }),
        }
    }

    /// What was acknowledged since the last call, per partition in order.
    ///
    /// # Errors
    /// When a delivery failed: the producer is finished, and what is still in it
    /// must be dropped with it. Acknowledgements before the failure are lost with
    /// this error; whoever goes on reads the partitions' tails.
    pub fn take_deliveries(&self) -> Result<Vec<Delivery>, StreamError> {
        let mut pending = self.inner.context().pending();
        match pending.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(std::mem::take(&mut pending.deliveries)),
        }
    }

    /// Waits until [`Producer::take_deliveries`] has something to say. Cancel safe.
    pub async fn progress(&self) {
        self.inner.context().progress.notified().await;
    }

    /// How many events the producer holds that are not acknowledged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.inner.in_flight_count()).unwrap_or(0)
    }

    /// Drops what was not sent yet, gives requests that are on the wire a second to
    /// be answered (unanswered ones may still be written by the broker, and would be
    /// repeats then), and ends the producer.
    pub async fn abandon(self) {
        let ended = tokio::task::spawn_blocking(move || {
            self.inner.purge(PurgeConfig::default().queue());
            if let Err(error) = self.inner.flush(ANSWERS) {
                tracing::warn!(%error, in_flight = self.in_flight(), "Kafka did not answer everything on the wire");
            }
            drop(self.inner);
        });
        if ended.await.is_err() {
            tracing::warn!("the producer's thread did not end in an orderly way");
        }
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Producer")
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

impl Reports {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: StreamError) {
        self.pending().failure.get_or_insert(failure);
        self.progress.notify_one();
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.fail(StreamError::Fatal {
                reason: reason.to_owned(),
            });
        } else {
            complain(&error, reason);
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let position = Position(i64::try_from(opaque).unwrap_or(i64::MAX));
        match result {
            Ok(message) => {
                let delivery = Delivery {
                    position,
                    offset: message.offset(),
                };
                let first = {
                    let mut pending = self.pending();
                    pending.deliveries.push(delivery);
                    pending.deliveries.len() == 1
                };
                if first {
                    self.progress.notify_one();
                }
            }
            Err((
                KafkaError::MessageProduction(
                    RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight,
                ),
                _,
            )) => {}
            Err((source, message)) => self.fail(StreamError::Delivery {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                position,
                source: source.clone().into(),
            }),
        }
    }
}

fn opaque(position: Position) -> usize {
    usize::try_from(position.0).unwrap_or(0)
}
