//! The limit of publishing: a producer that reads nothing and keeps nothing.

use super::producer::BareProducer;
use crate::child::Task;
use crate::events;

/// How many records are made before the first is sent; then they come again.
const DIFFERENT: u64 = 20_000;

/// Publishes as fast as it can, and returns when all is acknowledged. The process stays,
/// so that what it cost can be read.
pub(super) fn publish(task: &Task) {
    let records: Vec<(String, String)> = (0..DIFFERENT)
        .map(|number| (events::subject(number), events::data(number)))
        .collect();
    let producer = BareProducer::connect(&task.kafka);
    for (key, payload) in records.iter().cycle().take(task.events as usize) {
        producer.send(&task.topic, key, payload);
    }
    producer.flush();
    super::stay();
}
