//! The limit of a projection: bare consumers, a partition each, that write windows of the
//! same size by one statement. With windows of one event it is what most write at home.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime;

use crate::broker::PARTITIONS;
use crate::child::Task;

/// Events in one transaction: as many as a projection of ours takes.
pub(super) const WINDOW: usize = 1_000;
/// How long a window waits for more when there is something in it.
const PATIENCE: Duration = Duration::from_millis(5);

/// Events that are written together.
pub(super) trait Batch: Default {
    /// How many events it holds.
    fn len(&self) -> usize;
    /// Takes in an event.
    fn add(&mut self, subject: &str, data: &str);
    /// Writes it with the checkpoint of its reader, and is empty.
    async fn write(&mut self, connection: &mut PgConnection, reader: i32, next: i64);
}

/// Writes down how far a reader has come.
pub(super) async fn checkpoint(connection: &mut PgConnection, reader: i32, next: i64) {
    sqlx::query(
        "insert into checkpoints values ($1, $2)
         on conflict (reader) do update set next = excluded.next",
    )
    .bind(reader)
    .bind(next)
    .execute(connection)
    .await
    .expect("a checkpoint can be written");
}

/// Follows the topic until it is killed.
pub(super) fn follow<B: Batch>(task: &Task, window: usize) {
    std::thread::scope(|scope| {
        for partition in 0..PARTITIONS {
            scope.spawn(move || {
                runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime can be made")
                    .block_on(follow_partition::<B>(task, partition, window));
            });
        }
    });
}

async fn follow_partition<B: Batch>(task: &Task, partition: i32, most: usize) {
    let mut connection = PgConnection::connect(&task.postgres)
        .await
        .expect("the target can be had");
    let consumer = consumer(task, partition);
    let mut window = B::default();
    let mut next = 0;
    loop {
        if let Some(message) = consumer.poll(PATIENCE) {
            let message = message.expect("Kafka gives records");
            let text = |bytes: Option<&[u8]>| {
                String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("it is text")
            };
            window.add(&text(message.key()), &text(message.payload()));
            next = message.offset() + 1;
            if window.len() < most {
                continue;
            }
        }
        if window.len() > 0 {
            window.write(&mut connection, partition, next).await;
        }
    }
}

/// A consumer of one partition, from its beginning.
pub(super) fn consumer(task: &Task, partition: i32) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &task.kafka)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer can be made");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&task.topic, partition, Offset::Beginning)
        .expect("an offset can be named");
    consumer.assign(&list).expect("a partition can be read");
    consumer
}
