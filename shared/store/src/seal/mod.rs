//! Sealing: giving events that became visible their final positions.
//!
//! Invariant: the sealed set is { seq ≤ high_seq and visible in the last row's
//! snapshot } together with the late events.

mod statement;

use dragoman_core::{Position, RecordedEvent};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use thiserror::Error;

use self::statement::{LastBatch, insert_batch, insert_late, last_batch, late_events, next_events};
use crate::event_row::EventRow;
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

/// Why nothing was sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The lease is another's, or has run out.
    #[error("the lease has gone to another process or has run out, so nothing was sealed")]
    LostLease,
    /// Another sealer took the same batch number first.
    #[error("another process sealed this batch first")]
    LostBatch,
    /// The ledger does not end where the caller left it: the database is another or
    /// an older one than before, or somebody sealed in between.
    #[error(
        "the ledger ends with batch {found}, where batch {expected} was expected; nothing was sealed"
    )]
    OtherTip {
        /// The batch that the caller knew as the last.
        expected: i64,
        /// The last batch.
        found: i64,
    },
    /// The ledger was sealed in another cluster, where transaction ids mean
    /// something else.
    #[error("the ledger was sealed in cluster {sealed_in}, and this is cluster {here}")]
    ForeignCluster {
        /// The system identifier in the ledger.
        sealed_in: i64,
        /// The system identifier of this cluster.
        here: i64,
    },
    /// The database did not answer.
    #[error("nothing could be sealed")]
    Store(#[source] StoreError),
}

impl Store {
    /// Where the ledger ends now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ledger_tip(&self) -> Result<LedgerTip, StoreError> {
        let (batch, next_position, high_seq): (i64, i64, i64) = sqlx::query_as(
            "select batch, first_position + event_count, high_seq
             from dragoman.ledger order by batch desc limit 1",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("reading where the ledger ends"))?;
        Ok(LedgerTip {
            batch,
            next_position: Position(next_position),
            high_seq,
        })
    }

    /// Seals what became visible since `tip`: late events first, then the next ones,
    /// `limit` at the most. A late set above the limit is sealed in parts, which keep
    /// the old snapshot until it is through. Cost follows what is sealed, not history.
    ///
    /// The fence is the number of the batch: of two sealers that both believe to lead,
    /// one loses. Sessions come back without a word after a loss, so `tip` makes sure
    /// that this continues the ledger that the caller knows.
    ///
    /// # Errors
    /// Nothing is sealed with any of them, except that a [`SealError::Store`] leaves
    /// it open when the connection was lost at the commit: look at the tip.
    pub async fn seal(
        &self,
        lease: &Lease,
        limit: usize,
        tip: &LedgerTip,
    ) -> Result<SealOutcome, SealError> {
        let mut transaction = self
            .pool
            .begin_with("begin isolation level repeatable read")
            .await
            .map_err(sealing)?;
        let last = last_batch(&mut transaction, lease).await?;
        check(&last, tip)?;
        let limit = limit.max(1);
        let mut late = if looks_for_late(&last) {
            late_events(&mut transaction, &last, limit + 1).await?
        } else {
            Vec::new()
        };
        let in_parts = late.len() > limit;
        late.truncate(limit);
        let next = if in_parts {
            Vec::new()
        } else {
            next_events(&mut transaction, &last, limit - late.len()).await?
        };
        if late.is_empty() && next.is_empty() {
            return Ok(SealOutcome::Idle);
        }
        let late_seqs: Vec<i64> = late.iter().map(EventRow::seq).collect();
        let high_seq = next.last().map_or(last.high_seq, EventRow::seq);
        let mut rows: Vec<EventRow> = late.into_iter().chain(next).collect();
        rows.sort_unstable_by_key(EventRow::seq);
        let batch = last.batch + 1;
        insert_batch(
            &mut transaction,
            lease,
            &last,
            rows.len(),
            high_seq,
            in_parts,
        )
        .await?;
        insert_late(&mut transaction, batch, &late_seqs).await?;
        crash(CrashPoint::RelayBeforeSealCommit);
        if planted(Bug::PublishBeforeSeal) {
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                transaction.commit().await
            });
        } else {
            transaction.commit().await.map_err(sealing)?;
        }
        crash(CrashPoint::RelayAfterSeal);
        Ok(SealOutcome::Sealed(sealed(
            &last,
            rows,
            late_seqs.len(),
            high_seq,
        )))
    }
}

/// Always, but for planted bugs.
fn looks_for_late(last: &LastBatch) -> bool {
    let nothing_in_flight = last.snapshot.ends_with(':');
    let passes_over = planted(Bug::SealOnlyAboveLast)
        || (planted(Bug::LateOnlyWhenInFlight) && nothing_in_flight);
    !passes_over
}

fn check(last: &LastBatch, tip: &LedgerTip) -> Result<(), SealError> {
    if last.sealed_in != last.here {
        return Err(SealError::ForeignCluster {
            sealed_in: last.sealed_in,
            here: last.here,
        });
    }
    let found = LedgerTip {
        batch: last.batch,
        next_position: Position(last.next_position),
        high_seq: last.high_seq,
    };
    if found != *tip {
        return Err(SealError::OtherTip {
            expected: tip.batch,
            found: last.batch,
        });
    }
    if last.leads {
        Ok(())
    } else {
        Err(SealError::LostLease)
    }
}

fn sealed(last: &LastBatch, rows: Vec<EventRow>, late: usize, high_seq: i64) -> SealedBatch {
    let by_sql = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.adapter == "sql")
        .map(|(index, _)| index)
        .collect();
    let events: Vec<RecordedEvent> = rows
        .into_iter()
        .zip(last.next_position..)
        .map(|(row, position)| row.at(Position(position)))
        .collect();
    let next_position = events
        .last()
        .map_or(Position(last.next_position), |event| event.position.next());
    SealedBatch {
        batch: last.batch + 1,
        first_position: Position(last.next_position),
        events,
        late,
        tip: LedgerTip {
            batch: last.batch + 1,
            next_position,
            high_seq,
        },
        by_sql,
    }
}

fn sealing(error: sqlx::Error) -> SealError {
    SealError::Store(StoreError::during("sealing")(error))
}
