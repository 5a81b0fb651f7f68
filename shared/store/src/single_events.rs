//! Reading single events of the sealed log, by their positions.

use std::collections::HashMap;

use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::postgres::PgRow;

use crate::event_row::EventRow;
use crate::{Store, StoreError};

const DOING: &str = "reading single events of the log";

impl Store {
    /// The sealed events at these positions, in order. Positions above the end of the
    /// ledger have none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events_at(
        &self,
        positions: &[Position],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let positions: HashMap<i64, Position> = self
            .sequence_numbers(positions)
            .await?
            .into_iter()
            .map(|(position, seq)| (seq, Position(position)))
            .collect();
        let wanted: Vec<i64> = positions.keys().copied().collect();
        let rows: Vec<PgRow> = sqlx::query(
            "select seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data
             from dragoman.events where seq = any ($1)",
        )
        .bind(wanted)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during(DOING))?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = EventRow::from_column(row, 0).map_err(StoreError::during(DOING))?;
            if let Some(position) = positions.get(&row.seq()) {
                events.push(row.at(*position));
            }
        }
        events.sort_unstable_by_key(|event| event.position);
        Ok(events)
    }

    /// The event at a position. `None` above the end of the ledger.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn event_at(&self, position: Position) -> Result<Option<RecordedEvent>, StoreError> {
        Ok(self.events_at(&[position]).await?.pop())
    }

    /// Who the event at a position is. `None` above the end of the ledger.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn identity_at(&self, position: Position) -> Result<Option<Identity>, StoreError> {
        let event = self.event_at(position).await?;
        Ok(event.map(|event| event.identity()))
    }

    /// Positions of the ledger, each with the `seq` of its event.
    async fn sequence_numbers(
        &self,
        positions: &[Position],
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let wanted: Vec<i64> = positions.iter().map(|position| position.0).collect();
        // It follows from the rule of membership that a batch which has as many events as its
        // range has numbers, and no late ones, has them all: nothing need be ranked to know
        // which of them stands where. Late ones are asked for so that no planner would rather
        // hash all of them.
        let found: Vec<(i64, i64, Option<i64>)> = sqlx::query_as(
            "select wanted.position, found.batch, found.seq
             from unnest($1::bigint[]) as wanted (position)
             cross join lateral (
                 select batch, first_position + event_count as end_position,
                        case when event_count = high_seq - low_seq
                                  and (select late.seq from dragoman.late_events as late
                                       where late.batch = ledger.batch limit 1) is null
                             then low_seq + 1 + wanted.position - first_position end as seq
                 from dragoman.ledger
                 where first_position <= wanted.position and event_count > 0
                 order by first_position desc limit 1) as found
             where wanted.position < found.end_position",
        )
        .bind(&wanted)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during(DOING))?;
        let (mut known, mut batches, mut ranked) = (Vec::new(), Vec::new(), Vec::new());
        for (position, batch, seq) in found {
            match seq {
                Some(seq) => known.push((position, seq)),
                None => {
                    batches.push(batch);
                    ranked.push(position);
                }
            }
        }
        if !ranked.is_empty() {
            // The batches are given as values: the view ranks whole batches, and only a list
            // that the planner sees keeps it from ranking all of them. What is ranked is
            // narrow: whole events of whole batches would be sorted on disk.
            batches.sort_unstable();
            batches.dedup();
            let rows: Vec<(i64, i64)> = sqlx::query_as(
                "select position, seq from dragoman.sealed_events
                 where batch = any ($1) and position = any ($2)",
            )
            .bind(batches)
            .bind(ranked)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::during(DOING))?;
            known.extend(rows);
        }
        Ok(known)
    }
}
