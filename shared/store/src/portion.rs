//! Reading one partition's part of the sealed log.

use dragoman_core::{Position, RecordedEvent};

use crate::event_row::SealedRow;
use crate::{Store, StoreError};

/// How many positions one statement looks through: what bounds its time, however few
/// of them are wanted.
const WINDOW: i64 = 10_000;

/// The events of some types whose subjects fall to one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The types.
    pub types: Vec<String>,
    /// The partition, from 0.
    pub partition: i32,
    /// How many partitions the topic has.
    pub partitions: i32,
}

impl Store {
    /// The sealed events of a portion after a position and up to another one, in
    /// order, `limit` at the most. Fewer than that: there are no more of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read_portion(
        &self,
        portion: &Portion,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut events = Vec::new();
        let mut through = after.0;
        while events.len() < limit && through < until.0 {
            let end = through.saturating_add(WINDOW).min(until.0);
            let left = i64::try_from(limit - events.len()).unwrap_or(i64::MAX);
            let rows: Vec<SealedRow> = sqlx::query_as(
                "select position, seq, id, source, type, subject, time, stored_at,
                        content_type, traceparent, extensions, data
                 from dragoman.sealed_events
                 where batch >= (select batch from dragoman.ledger
                                 where first_position <= $1 + 1 and event_count > 0
                                 order by first_position desc limit 1)
                   and batch <= (select batch from dragoman.ledger
                                 where first_position <= $2 and event_count > 0
                                 order by first_position desc limit 1)
                   and position > $1 and position <= $2
                   and type = any ($4) and subject_hash % $6 = $5
                 order by position limit $3",
            )
            .bind(through)
            .bind(end)
            .bind(left)
            .bind(&portion.types)
            .bind(portion.partition)
            .bind(portion.partitions)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::during("reading a partition's part of the log"))?;
            events.extend(rows.into_iter().map(SealedRow::recorded));
            through = end;
        }
        Ok(events)
    }

    /// How many events [`Store::read_portion`] would find without a limit.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_portion(
        &self,
        portion: &Portion,
        after: Position,
        until: Position,
    ) -> Result<i64, StoreError> {
        sqlx::query_scalar(
            "select count(*) from dragoman.sealed_events
             where batch >= (select batch from dragoman.ledger
                             where first_position <= $1 + 1 and event_count > 0
                             order by first_position desc limit 1)
               and batch <= (select batch from dragoman.ledger
                             where first_position <= $2 and event_count > 0
                             order by first_position desc limit 1)
               and position > $1 and position <= $2
               and type = any ($3) and subject_hash % $5 = $4",
        )
        .bind(after.0)
        .bind(until.0)
        .bind(&portion.types)
        .bind(portion.partition)
        .bind(portion.partitions)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("counting a partition's part of the log"))
    }
}
