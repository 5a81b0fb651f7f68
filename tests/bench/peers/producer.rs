//! A bare producer with the settings of ours: `acks=all`, idempotent, lz4, 2 ms.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};

/// How long Kafka may take to acknowledge what was sent.
const PATIENCE: Duration = Duration::from_secs(60);
/// The rest while the queue is full.
const FULL: Duration = Duration::from_micros(200);

/// Sends records, and knows when all are acknowledged.
pub(crate) struct BareProducer {
    inner: ThreadedProducer<Open>,
}

/// How many records are not acknowledged. Counted here, because the client's own `flush`
/// looks ten times a second, which nobody who waits for each batch would put up with.
#[derive(Default)]
struct Open {
    records: Mutex<usize>,
    none: Condvar,
}

impl ClientContext for Open {}

impl ProducerContext for Open {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "Kafka does not take a record");
        let mut records = self.records.lock().unwrap();
        *records -= 1;
        if *records == 0 {
            self.none.notify_all();
        }
    }
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
            .create_with_context(Open::default())
            .expect("a producer can be made");
        Self { inner }
    }

    /// Hands a record over; waits while the queue is full.
    pub(crate) fn send(&self, topic: &str, key: &str, payload: &str) {
        *self.inner.context().records.lock().unwrap() += 1;
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
        let open = self.inner.context();
        let records = open.records.lock().unwrap();
        let (records, _) = open
            .none
            .wait_timeout_while(records, PATIENCE, |records| *records > 0)
            .unwrap();
        assert_eq!(*records, 0, "records that Kafka did not acknowledge");
    }
}

/// Nothing that was sent is given up.
impl Drop for BareProducer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.flush();
        }
    }
}
