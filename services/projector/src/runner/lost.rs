//! Noticing a Kafka client that has lost its partitions and does not join its group again.
//!
//! librdkafka gives its partitions up when the group has not answered for the time of a
//! session, and then joins again by itself. Once in a while it does not, though Kafka is
//! there again; nothing fails then, and nothing comes. A new client works.
//!
//! An assignment of nothing is not told, so a member that finds no partition left for it
//! after a loss joins once more than it had to.

use std::time::{Duration, Instant};

use dragoman_stream::{KafkaOptions, Revocation, TopicPartition, read_end};

use super::silence::Silence;
use crate::telemetry;

/// How often Kafka is asked whether it answers.
const LOOK: Duration = Duration::from_secs(5);

/// What the group took away because it had not heard of this member, until it gives
/// something again.
#[derive(Debug, Default)]
pub(super) struct Lost(Option<TopicPartition>);

impl Lost {
    /// Something was taken away.
    pub(super) fn take_note(&mut self, revocation: &Revocation) {
        if revocation.is_lost() {
            self.0 = revocation.partitions().first().cloned();
        }
    }

    /// The group has spoken.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Returns when Kafka has answered for half a minute while the group said nothing; never
    /// when nothing was lost. Cancel safe: it begins anew.
    pub(super) async fn left_alone(&self, projection: &str, kafka: &KafkaOptions) {
        let Some(partition) = &self.0 else {
            return std::future::pending().await;
        };
        let mut silence = Silence::since(Instant::now());
        loop {
            tokio::time::sleep(LOOK).await;
            let asked = Instant::now();
            match read_end(kafka, partition).await {
                Ok(_) if asked.elapsed() < LOOK => {
                    if silence.is_suspicious(Instant::now()) {
                        break;
                    }
                }
                // It is away, or was until a moment ago.
                Ok(_) | Err(_) => silence.broken(Instant::now()),
            }
        }
        tracing::warn!(
            projection, %partition,
            "the group has given no partitions since these were lost, though Kafka answers; joining it again"
        );
        telemetry::reader_replaced(projection);
    }
}
