//! Sealing: giving events that became visible their final positions.
//!
//! Invariant: the sealed set is { seq ≤ high_seq and visible in the last row's
//! snapshot } together with the late events.

use dragoman_core::{Position, RecordedEvent};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, Row as _, Transaction};
use thiserror::Error;

use crate::error::sql_state;
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

#[derive(Debug)]
struct LastBatch {
    batch: i64,
    next_position: i64,
    high_seq: i64,
    snapshot: String,
    sealed_in: i64,
    here: i64,
    timeline: i32,
    leads: bool,
}

impl FromRow<'_, PgRow> for LastBatch {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            batch: row.try_get("batch")?,
            next_position: row.try_get("next_position")?,
            high_seq: row.try_get("high_seq")?,
            snapshot: row.try_get("snapshot")?,
            sealed_in: row.try_get("sealed_in")?,
            here: row.try_get("here")?,
            timeline: row.try_get("timeline")?,
            leads: row.try_get("leads")?,
        })
    }
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

/// The end of the ledger, and whether the lease lasts, in the snapshot that the
/// batch will be sealed with. The lease's row is not locked: the fence is the number
/// of the batch, and a lock would make each renewal wait for a seal. What follows in
/// the transaction goes by the indexes, whatever the statistics say of a log that
/// has just grown.
async fn last_batch(
    transaction: &mut Transaction<'_, Postgres>,
    lease: &Lease,
) -> Result<LastBatch, SealError> {
    sqlx::query_as(
        "select batch, first_position + event_count as next_position, high_seq,
                snapshot::text as snapshot, system_identifier as sealed_in,
                (select system_identifier from pg_control_system()) as here,
                (select timeline_id from pg_control_checkpoint()) as timeline,
                exists (select from dragoman.leases
                        where name = $1 and epoch = $2 and expires_at > clock_timestamp()) as leads,
                set_config('enable_seqscan', 'off', true)
         from dragoman.ledger order by batch desc limit 1",
    )
    .bind(&lease.name)
    .bind(lease.epoch)
    .fetch_one(&mut **transaction)
    .await
    .map_err(sealing)
}

macro_rules! late {
    ($sealed_before:literal) => {
        concat!(
                "with found as (
                     select seq from dragoman.events
                     where xid >= pg_snapshot_xmax($1::pg_snapshot) and seq <= $2
                     union all
                     select events.seq from pg_snapshot_xip($1::pg_snapshot) as running (xid)
                     cross join lateral (select seq from dragoman.events
                                         where events.xid = running.xid and events.seq <= $2) as events
                 ), late as (
                     select seq from found
                     ",
                        $sealed_before,
                        " order by seq limit $3
                 )
                 select events.seq, id, source, type, subject, time, stored_at, adapter,
                        content_type, traceparent, extensions, data
                 from late join dragoman.events using (seq) order by events.seq"
        )
    };
}

/// Rows at or below high_seq that are visible now and were not in the last snapshot:
/// of transactions at or above its xmax, and of those that were running in it.
/// Always looked for: a sequence number is taken before a transaction id, and a
/// running transaction at or above xmax is not listed, so a snapshot with nothing in
/// flight can still have a late row behind it. Two index probes, kept apart by the
/// union: as one condition they are planned as a scan when statistics are stale.
async fn late_events(
    transaction: &mut Transaction<'_, Postgres>,
    last: &LastBatch,
    limit: usize,
) -> Result<Vec<EventRow>, SealError> {
    sqlx::query_as(if planted(Bug::LateSealedAgain) {
        late!("")
    } else {
        late!(
            "where not exists (select from dragoman.late_events
                               where late_events.seq = found.seq)"
        )
    })
    .bind(&last.snapshot)
    .bind(last.high_seq)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut **transaction)
    .await
    .map_err(sealing)
}

async fn next_events(
    transaction: &mut Transaction<'_, Postgres>,
    last: &LastBatch,
    limit: usize,
) -> Result<Vec<EventRow>, SealError> {
    sqlx::query_as(
        "select seq, id, source, type, subject, time, stored_at, adapter,
                content_type, traceparent, extensions, data
         from dragoman.events where seq > $1 order by seq limit $2",
    )
    .bind(last.high_seq)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut **transaction)
    .await
    .map_err(sealing)
}

async fn insert_batch(
    transaction: &mut Transaction<'_, Postgres>,
    lease: &Lease,
    last: &LastBatch,
    events: usize,
    high_seq: i64,
    in_parts: bool,
) -> Result<(), SealError> {
    sqlx::query(
        "insert into dragoman.ledger (batch, first_position, event_count, low_seq, high_seq,
                                      snapshot, sealed_by, system_identifier, timeline)
         values ($1, $2, $3, $4, $5,
                 case when $6 then $7::pg_snapshot else pg_current_snapshot() end, $8, $9, $10)",
    )
    .bind(last.batch + 1)
    .bind(last.next_position)
    .bind(i32::try_from(events).unwrap_or(i32::MAX))
    .bind(last.high_seq)
    .bind(high_seq)
    .bind(in_parts)
    .bind(&last.snapshot)
    .bind(&lease.holder)
    .bind(last.here)
    .bind(last.timeline)
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(|error| {
        if sql_state(&error).as_deref() == Some("23505") {
            SealError::LostBatch
        } else {
            sealing(error)
        }
    })
}

async fn insert_late(
    transaction: &mut Transaction<'_, Postgres>,
    batch: i64,
    seqs: &[i64],
) -> Result<(), SealError> {
    if seqs.is_empty() {
        return Ok(());
    }
    let insert = if planted(Bug::LateSealedAgain) {
        "insert into dragoman.late_events (seq, batch)
         select seq, $2 from unnest($1::bigint[]) as late (seq) on conflict do nothing"
    } else {
        "insert into dragoman.late_events (seq, batch)
         select seq, $2 from unnest($1::bigint[]) as late (seq)"
    };
    sqlx::query(insert)
        .bind(seqs)
        .bind(batch)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(sealing)
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
