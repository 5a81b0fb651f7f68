//! How much stands in the log and the ledger.

use dragoman_core::Position;

use crate::{Store, StoreError};

/// The log and the ledger in numbers, from one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTotals {
    /// Events in the log, counted there.
    pub stored: i64,
    /// Events in the batches of the ledger.
    pub sealed: i64,
    /// The position of the last sealed event; equals `sealed` unless something is wrong.
    pub head: Position,
    /// Everything at or below this is acknowledged by Kafka; zero without Kafka.
    pub published: Position,
    /// Gaps that were found in Kafka and filled from the log.
    pub gaps: i64,
    /// Events that came by SQL and break their schema.
    pub schema_violations: i64,
}

impl Store {
    /// Counts. Reads the whole log, so not for each second.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_totals(&self) -> Result<LogTotals, StoreError> {
        let (stored, sealed, head, published, gaps, schema_violations): (
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
        ) = sqlx::query_as(
            "select (select count(*) from dragoman.events),
                    (select coalesce(sum(event_count), 0)::bigint from dragoman.ledger),
                    (select first_position + event_count - 1
                     from dragoman.ledger order by batch desc limit 1),
                    (select coalesce(max(through), 0) from dragoman.published),
                    (select count(*) from dragoman.gaps),
                    (select count(*) from dragoman.schema_violations)",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("counting the log"))?;
        Ok(LogTotals {
            stored,
            sealed,
            head: Position(head),
            published: Position(published),
            gaps,
            schema_violations,
        })
    }
}
