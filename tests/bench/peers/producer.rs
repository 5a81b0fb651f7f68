//! A bare producer with the settings of ours: `acks=all`, idempotent, lz4, 2 ms.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

/// How long Kafka may take to acknowledge what was sent.
const PATIENCE: Duration = Duration::from_secs(60);
/// The rest while the queue is full.
const FULL: Duration = Duration::from_micros(200);

/// Sends records, and knows when all are acknowledged.
pub(crate) struct BareProducer {
    inner: ThreadedProducer<DefaultProducerContext>,
}

impl BareProducer {
    /// Connects by itself.
    pub(crate) fn connect(kafka: &str) -> Self {
        let inner = ClientConfig::new()
            .set("bootstrap.servers", kafka)
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "2")
            .set("compression.type", "lz4")
            .set("batch.size", "1000000")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", "50000")
            .set("queue.buffering.max.kbytes", "131072")
            .create()
            .expect("a producer can be made");
        Self { inner }
    }

    /// Hands a record over; waits while the queue is full.
    pub(crate) fn send(&self, topic: &str, key: &str, payload: &str) {
        let mut record = BaseRecord::to(topic).key(key).payload(payload);
        while let Err((error, again)) = self.inner.send(record) {
            assert!(
                matches!(
                    error,
                    KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
                ),
                "Kafka does not take a record: {error}"
            );
            std::thread::sleep(FULL);
            record = again;
        }
    }

    /// Returns when everything that was sent is acknowledged.
    pub(crate) fn flush(&self) {
        self.inner.flush(PATIENCE).expect("Kafka acknowledges");
    }
}
