//! The topics of contenders: made, counted, taken away.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

/// Partitions of every topic.
pub(crate) const PARTITIONS: i32 = 4;
/// How long Kafka may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A topic, and who asks about it.
pub(crate) struct Topic {
    name: String,
    admin: AdminClient<DefaultClientContext>,
    reader: BaseConsumer,
}

impl Topic {
    /// A topic that may not be there yet.
    pub(crate) fn at(kafka: &str, name: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", kafka);
        Self {
            name: name.to_owned(),
            admin: config.create().expect("an administrator can be made"),
            reader: config
                .set("group.id", "bench")
                .create()
                .expect("a reader can be made"),
        }
    }

    /// A new topic.
    pub(crate) async fn create(kafka: &str) -> Self {
        let topic = Self::at(kafka, &format!("bench.{}", uuid::Uuid::new_v4().simple()));
        let new = NewTopic::new(&topic.name, PARTITIONS, TopicReplication::Fixed(1));
        topic
            .admin
            .create_topics([&new], &AdminOptions::new())
            .await
            .expect("Kafka answers");
        topic
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many records it has taken; nothing when it is not there.
    pub(crate) fn count(&self) -> i64 {
        (0..PARTITIONS)
            .map(|partition| {
                self.reader
                    .fetch_watermarks(&self.name, partition, ANSWER)
                    .map_or(0, |(_, end)| end)
            })
            .sum()
    }

    /// Takes it away, so that the disk does not fill.
    pub(crate) async fn remove(self) {
        self.admin
            .delete_topics(&[&self.name], &AdminOptions::new())
            .await
            .expect("Kafka answers");
    }
}
