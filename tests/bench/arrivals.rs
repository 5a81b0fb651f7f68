//! A reader of a topic that writes down when each event came first.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::broker::PARTITIONS;

/// How long a look waits for a record.
const LOOK: Duration = Duration::from_millis(50);

/// Reads on a thread of its own until it is dropped.
pub(crate) struct Arrivals {
    seen: Arc<Mutex<Vec<Option<Instant>>>>,
    count: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Arrivals {
    /// Waits for events with numbers below `numbers` in a topic that exists.
    pub(crate) fn of(kafka: &str, topic: &str, numbers: u64) -> Self {
        let seen = Arc::new(Mutex::new(vec![None; numbers as usize]));
        let count = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let consumer = consumer(kafka, topic);
        let thread = {
            let (seen, count, stop) = (Arc::clone(&seen), Arc::clone(&count), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(message) = consumer.poll(LOOK) else {
                        continue;
                    };
                    let now = Instant::now();
                    let message = message.expect("Kafka gives records");
                    let number = number(message.payload().unwrap_or_default());
                    let mut seen = seen.lock().unwrap();
                    let place = seen.get_mut(number as usize).expect("a number of ours");
                    if place.is_none() {
                        *place = Some(now);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        };
        Self {
            seen,
            count,
            stop,
            thread: Some(thread),
        }
    }

    /// How many different events have come.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When each came.
    pub(crate) fn times(&self) -> Vec<Option<Instant>> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn consumer(kafka: &str, topic: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer can be made");
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("an offset can be named");
    }
    consumer.assign(&list).expect("partitions can be read");
    consumer
}

/// The number in the data of an event, wherever a database has put it: `jsonb` prints
/// members in an order of its own.
fn number(payload: &[u8]) -> u64 {
    let text = std::str::from_utf8(payload).expect("data is text");
    let (_, rest) = text
        .split_once("\"number\": ")
        .expect("an event has a number");
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().expect("a number is a number")
}
