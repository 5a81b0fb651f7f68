//! Sealing: giving events that became visible their final positions.
//!
//! Invariant: the sealed set is { seq ≤ high_seq and visible in the last row's
//! snapshot } together with the late events.

mod error;
mod session;
mod statement;

use dragoman_core::{Position, RecordedEvent};

pub use error::SealError;
pub use session::SealSession;

use self::statement::UnsealedRow;
use crate::{Lease, Store, StoreError};

/// Where the ledger ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTip {
    /// The number of the last batch.
    pub batch: i64,
    /// The position that the next event gets.
    pub next_position: Position,
    /// The highest sequence number that has been looked at.
    pub high_seq: i64,
    /// What was visible then, as Postgres prints it.
    pub snapshot: String,
}

/// What a look at the log came to.
#[derive(Debug)]
pub enum SealOutcome {
    /// There was nothing to seal.
    Idle,
    /// A batch was sealed and committed.
    Sealed(SealedBatch),
}

/// A batch as it was sealed.
#[derive(Debug)]
pub struct SealedBatch {
    /// Its number.
    pub batch: i64,
    /// The position of its first event.
    pub first_position: Position,
    /// Its events by position: at least one.
    pub events: Vec<RecordedEvent>,
    /// How many of them became visible after a later one had been sealed.
    pub late: usize,
    /// Where the ledger ends with it.
    pub tip: LedgerTip,
    by_sql: Vec<usize>,
}

impl SealedBatch {
    /// The events that came by `dragoman.publish()`: their schema is not checked yet.
    pub fn came_by_sql(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.by_sql
            .iter()
            .filter_map(|index| self.events.get(*index))
    }
}

impl Store {
    /// Where the ledger ends now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ledger_tip(&self) -> Result<LedgerTip, StoreError> {
        statement::tip(&self.pool)
            .await
            .map_err(StoreError::during("reading where the ledger ends"))
    }

    /// Seals what became visible since `tip`, over a session of its own: see
    /// [`SealSession::seal`].
    ///
    /// # Errors
    /// As there.
    pub async fn seal(
        &self,
        lease: &Lease,
        limit: usize,
        tip: &LedgerTip,
    ) -> Result<SealOutcome, SealError> {
        self.seal_session().await?.seal(lease, limit, tip).await
    }
}

impl SealedBatch {
    /// The batch behind a tip.
    fn behind(tip: &LedgerTip, rows: Vec<UnsealedRow>, late: usize, snapshot: String) -> Self {
        let by_sql = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.by_sql)
            .map(|(index, _)| index)
            .collect();
        let high_seq = rows
            .iter()
            .map(UnsealedRow::seq)
            .max()
            .unwrap_or(tip.high_seq);
        let events: Vec<RecordedEvent> = rows
            .into_iter()
            .zip(tip.next_position.0..)
            .map(|(row, position)| row.event.at(Position(position)))
            .collect();
        let next_position = events
            .last()
            .map_or(tip.next_position, |event| event.position.next());
        Self {
            batch: tip.batch + 1,
            first_position: tip.next_position,
            events,
            late,
            tip: LedgerTip {
                batch: tip.batch + 1,
                next_position,
                high_seq: high_seq.max(tip.high_seq),
                snapshot,
            },
            by_sql,
        }
    }
}
