//! How far Kafka is known to hold what was sealed.

use dragoman_core::Position;
use thiserror::Error;

use crate::{Lease, Store, StoreError};

/// The last record that a topic partition is known to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The topic.
    pub topic: String,
    /// The partition within it.
    pub partition: i32,
    /// The position of the record.
    pub position: Position,
    /// Its offset.
    pub kafka_offset: i64,
    /// The source of its event.
    pub source: String,
    /// The id of its event.
    pub id: String,
}

/// Why marks were not written.
#[derive(Debug, Error)]
pub enum MarkError {
    /// The lease is another's; nothing was written.
    #[error("the lease has gone to another process, so nothing was marked")]
    LostLease,
    /// The database did not take them.
    #[error("the marks could not be written")]
    Store(#[source] StoreError),
}

impl Store {
    /// The newest mark of each partition.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn marks(&self) -> Result<Vec<Mark>, StoreError> {
        let rows: Vec<(String, i32, i64, i64, String, String)> = sqlx::query_as(
            "select distinct on (topic, partition)
                    topic, partition, position, kafka_offset, source, id
             from dragoman.marks order by topic, partition, position desc",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading the marks"))?;
        Ok(rows
            .into_iter()
            .map(
                |(topic, partition, position, kafka_offset, source, id)| Mark {
                    topic,
                    partition,
                    position: Position(position),
                    kafka_offset,
                    source,
                    id,
                },
            )
            .collect())
    }

    /// Everything at or below is acknowledged in every partition.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn published_through(&self) -> Result<Position, StoreError> {
        sqlx::query_scalar("select coalesce(max(through), 0) from dragoman.published")
            .fetch_one(&self.pool)
            .await
            .map(Position)
            .map_err(StoreError::during("reading how far is published"))
    }

    /// Writes marks, and how far everything is through, in one statement that the
    /// holder of the lease alone succeeds with. Marks that these replace are taken
    /// away once they are a minute old: a reader between the two still finds one.
    ///
    /// # Errors
    /// [`MarkError::LostLease`], or the database does not take them.
    pub async fn write_marks(
        &self,
        lease: &Lease,
        marks: &[Mark],
        through: Position,
    ) -> Result<(), MarkError> {
        let texts = |pick: fn(&Mark) -> &String| {
            marks
                .iter()
                .map(|mark| pick(mark).clone())
                .collect::<Vec<_>>()
        };
        let partitions: Vec<i32> = marks.iter().map(|mark| mark.partition).collect();
        let positions: Vec<i64> = marks.iter().map(|mark| mark.position.0).collect();
        let offsets: Vec<i64> = marks.iter().map(|mark| mark.kafka_offset).collect();
        let held: bool = sqlx::query_scalar(
            "with lease as (
                 select from dragoman.leases
                 where name = $1 and epoch = $2 and expires_at > clock_timestamp()
                 for share
             ), wanted as (
                 select * from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
                     as mark (topic, partition, position, kafka_offset, source, id)
                 where exists (select from lease)
             ), marked as (
                 insert into dragoman.marks (topic, partition, position, kafka_offset, source, id)
                 select * from wanted on conflict do nothing
             ), through as (
                 insert into dragoman.published (through)
                 select $9 where exists (select from lease) on conflict do nothing
             ), old_marks as (
                 delete from dragoman.marks using wanted
                 where marks.topic = wanted.topic and marks.partition = wanted.partition
                   and marks.position < wanted.position
                   and marks.marked_at < clock_timestamp() - interval '1 minute'
             ), old_through as (
                 delete from dragoman.published
                 where published.through < $9 and exists (select from lease)
                   and published.marked_at < clock_timestamp() - interval '1 minute'
             )
             select exists (select from lease)",
        )
        .bind(&lease.name)
        .bind(lease.epoch)
        .bind(texts(|mark| &mark.topic))
        .bind(&partitions)
        .bind(&positions)
        .bind(&offsets)
        .bind(texts(|mark| &mark.source))
        .bind(texts(|mark| &mark.id))
        .bind(through.0)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("writing marks"))
        .map_err(MarkError::Store)?;
        if held {
            Ok(())
        } else {
            Err(MarkError::LostLease)
        }
    }
}
