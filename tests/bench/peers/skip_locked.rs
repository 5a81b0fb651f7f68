//! The outbox that is usually written at home: take rows that nobody else has, publish
//! them, and mark or delete them in the same transaction.
//!
//! Written as well as its shape allows: large batches, prepared statements, one worker
//! (several would give the events of a subject out of order), one wait for a whole batch.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::producer::BareProducer;
use crate::child::Task;

/// How many rows a transaction takes: as many as a batch of our ledger.
const BATCH: i64 = 2_000;
/// The rest when there is nothing.
const IDLE: Duration = Duration::from_millis(5);

/// What becomes of a row that is published.
#[derive(Debug, Clone, Copy)]
pub(super) enum Done {
    Marked,
    Deleted,
}

/// Publishes until it is killed.
pub(super) async fn relay(task: &Task, done: Done) {
    let mut connection = PgConnection::connect(&task.postgres)
        .await
        .expect("the outbox can be had");
    let producer = BareProducer::connect(&task.kafka);
    loop {
        if batch(&mut connection, &producer, &task.topic, done).await == 0 {
            tokio::time::sleep(IDLE).await;
        }
    }
}

async fn batch(
    connection: &mut PgConnection,
    producer: &BareProducer,
    topic: &str,
    done: Done,
) -> usize {
    let mut transaction = connection.begin().await.expect("a transaction begins");
    let rows: Vec<(i64, String, String)> = sqlx::query_as(done.take())
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await
        .expect("rows can be taken");
    for (_, subject, payload) in &rows {
        producer.send(topic, subject, payload);
    }
    if !rows.is_empty() {
        tokio::task::block_in_place(|| producer.flush());
        let ids: Vec<i64> = rows.iter().map(|(id, _, _)| *id).collect();
        sqlx::query(done.settle())
            .bind(ids)
            .execute(&mut *transaction)
            .await
            .expect("rows can be settled");
    }
    transaction.commit().await.expect("a transaction commits");
    rows.len()
}

impl Done {
    const fn take(self) -> &'static str {
        match self {
            Self::Marked => {
                "select id, subject, payload from outbox where published_at is null
                 order by id limit $1 for update skip locked"
            }
            Self::Deleted => {
                "select id, subject, payload from outbox
                 order by id limit $1 for update skip locked"
            }
        }
    }

    const fn settle(self) -> &'static str {
        match self {
            Self::Marked => "update outbox set published_at = now() where id = any ($1)",
            Self::Deleted => "delete from outbox where id = any ($1)",
        }
    }
}
