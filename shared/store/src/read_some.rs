//! Reading a part of the sealed log: one partition's, or single events.

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

    /// The sealed events at these positions, in order. Positions above the end of the
    /// ledger have none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events_at(
        &self,
        positions: &[Position],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let wanted: Vec<i64> = positions.iter().map(|position| position.0).collect();
        let during = || StoreError::during("reading single events of the log");
        // The batches come first, as values: the view ranks whole batches, and only a
        // list that the planner sees keeps it from ranking all of them. What is ranked is
        // narrow: whole events of whole batches would be sorted on disk.
        let batches: Vec<i64> = sqlx::query_scalar(
            "select distinct found.batch
             from unnest($1::bigint[]) as wanted (position)
             cross join lateral (select batch from dragoman.ledger
                                 where first_position <= wanted.position and event_count > 0
                                 order by first_position desc limit 1) as found",
        )
        .bind(&wanted)
        .fetch_all(&self.pool)
        .await
        .map_err(during())?;
        let rows: Vec<SealedRow> = sqlx::query_as(
            "select found.position, seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data
             from (select position, seq from dragoman.sealed_events
                   where batch = any ($1) and position = any ($2)) as found
             join dragoman.events using (seq)
             order by found.position",
        )
        .bind(&batches)
        .bind(&wanted)
        .fetch_all(&self.pool)
        .await
        .map_err(during())?;
        Ok(rows.into_iter().map(SealedRow::recorded).collect())
    }
}
