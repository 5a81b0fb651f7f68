//! Reading the sealed log.

use dragoman_core::{Position, RecordedEvent};

use crate::event_row::SealedRow;
use crate::members::read_whole;
use crate::{Store, StoreError};

/// From how many events on it is cheaper to have whole batches sent and count their
/// positions here than to have the database rank them and send a part.
const MANY: usize = 500;

impl Store {
    /// The position of the last sealed event; [`Position::ZERO`] when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn head(&self) -> Result<Position, StoreError> {
        sqlx::query_scalar(
            "select first_position + event_count - 1 from dragoman.ledger order by batch desc limit 1",
        )
        .fetch_one(&self.pool)
        .await
        .map(Position)
        .map_err(StoreError::during("reading where the ledger ends"))
    }

    /// The sealed events after a position, in order, `limit` at the most: exactly
    /// those that were sealed, at the positions that they were given.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read_after(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        if limit >= MANY {
            let mut events = read_whole(&self.pool, after, limit, None).await?;
            events.truncate(limit);
            return Ok(events);
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // The batches that hold the wanted positions are found first: the view ranks
        // whole batches, and must not be let loose on more of them.
        let rows: Vec<SealedRow> = sqlx::query_as(
            "select position, seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data
             from dragoman.sealed_events
             where batch >= (select batch from dragoman.ledger
                             where first_position <= $1 + 1 and event_count > 0
                             order by first_position desc limit 1)
               and batch <= (select batch from dragoman.ledger
                             where first_position <= $1 + $2 and event_count > 0
                             order by first_position desc limit 1)
               and position > $1
             order by position limit $2",
        )
        .bind(after.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading the sealed log"))?;
        Ok(rows.into_iter().map(SealedRow::recorded).collect())
    }
}
