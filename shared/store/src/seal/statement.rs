//! What is asked and written in the transaction of a seal.

use dragoman_faults::{Bug, planted};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, Row as _, Transaction};

use super::{SealError, sealing};
use crate::Lease;
use crate::error::sql_state;
use crate::event_row::EventRow;

#[derive(Debug)]
pub(super) struct LastBatch {
    pub(super) batch: i64,
    pub(super) next_position: i64,
    pub(super) high_seq: i64,
    pub(super) snapshot: String,
    pub(super) sealed_in: i64,
    pub(super) here: i64,
    pub(super) timeline: i32,
    pub(super) leads: bool,
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

/// The end of the ledger, and whether the lease lasts, in the snapshot that the
/// batch will be sealed with. The lease's row is not locked: the fence is the number
/// of the batch, and a lock would make each renewal wait for a seal. What follows in
/// the transaction goes by the indexes, row by row, whatever the statistics say of a log
/// that has just grown: any other join reads everything up to the head each time.
pub(super) async fn last_batch(
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
                set_config('enable_seqscan', 'off', true),
                set_config('enable_hashjoin', 'off', true),
                set_config('enable_mergejoin', 'off', true),
                set_config('max_parallel_workers_per_gather', '0', true),
                set_config('jit', 'off', true)
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
                     where xid >= pg_snapshot_xmax($1::pg_snapshot) and seq + 0 <= $2
                     union all
                     select events.seq from pg_snapshot_xip($1::pg_snapshot) as running (xid)
                     cross join lateral (select seq from dragoman.events
                                         where events.xid = running.xid and events.seq + 0 <= $2) as events
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
/// union: as one condition they are planned as a scan when statistics are stale. And
/// `seq + 0`, so that nothing but the index on xid can serve: by the primary key, which a
/// planner without statistics prefers, every row up to the head would be read.
pub(super) async fn late_events(
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

pub(super) async fn next_events(
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

pub(super) async fn insert_batch(
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

pub(super) async fn insert_late(
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
