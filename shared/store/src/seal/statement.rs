//! What a session that seals asks and writes.

use dragoman_core::Position;
use dragoman_faults::{Bug, planted};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row as _};

use super::LedgerTip;
use super::error::{SealError, sealing};
use crate::Lease;
use crate::error::sql_state;
use crate::event_row::EventRow;

/// What the last row of the ledger says.
pub(super) async fn tip(executor: impl PgExecutor<'_>) -> sqlx::Result<LedgerTip> {
    let (batch, next_position, high_seq, snapshot): (i64, i64, i64, String) = sqlx::query_as(
        "select batch, first_position + event_count as next_position, high_seq,
                snapshot::text as snapshot
         from dragoman.ledger order by batch desc limit 1",
    )
    .fetch_one(executor)
    .await?;
    Ok(LedgerTip {
        batch,
        next_position: Position(next_position),
        high_seq,
        snapshot,
    })
}

/// Where the last batch was sealed, and where a session is.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) sealed_in: i64,
    pub(super) here: i64,
    pub(super) timeline: i32,
    /// Whether this is a copy that follows another server.
    pub(super) follows: bool,
}

/// Also settles how this session plans: by the indexes, row by row, whatever the statistics
/// say of a log that has just grown. Any other join reads everything up to the head each
/// time.
pub(super) async fn cluster(session: &mut PgConnection) -> sqlx::Result<Cluster> {
    let found: (i64, i64, i32, bool, String, String) = sqlx::query_as(
        "select system_identifier,
                (select system_identifier from pg_control_system()),
                (select timeline_id from pg_control_checkpoint()),
                pg_is_in_recovery(),
                set_config('enable_hashjoin', 'off', false),
                set_config('max_parallel_workers_per_gather', '0', false)
         from dragoman.ledger order by batch desc limit 1",
    )
    .fetch_one(session)
    .await?;
    let (sealed_in, here, timeline, follows, _, _) = found;
    Ok(Cluster {
        sealed_in,
        here,
        timeline,
        follows,
    })
}

/// An event that no batch has.
#[derive(Debug)]
pub(super) struct UnsealedRow {
    pub(super) event: EventRow,
    /// Whether `dragoman.publish()` wrote it: nobody has looked at its schema.
    pub(super) by_sql: bool,
}

impl UnsealedRow {
    pub(super) const fn seq(&self) -> i64 {
        self.event.seq()
    }
}

/// What there is behind a tip.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Late ones, one more than were asked for at the most, and next ones.
    pub(super) rows: Vec<UnsealedRow>,
    /// The snapshot in which they were looked for; `None` when the lease did not last.
    pub(super) snapshot: Option<String>,
}

macro_rules! look {
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
            " order by seq limit $3 + 1
             )
             select null::text as snapshot, events.seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data, adapter = 'sql' as by_sql
             from late join dragoman.events using (seq)
             union all
             (select null, seq, id, source, type, subject, time, stored_at,
                     content_type, traceparent, extensions, data, adapter = 'sql'
              from dragoman.events where seq > $2 order by seq limit $3)
             union all
             select case when exists (select from dragoman.leases
                                      where name = $4 and epoch = $5 and expires_at > clock_timestamp())
                         then pg_current_snapshot()::text end,
                    null, null, null, null, null, null, null, null, null, null, null, null"
        )
    };
}

/// Late rows, at or below high_seq, that are visible now and were not in the last snapshot:
/// of transactions at or above its xmax, and of those that were running in it; and the next
/// ones; and the snapshot in which all this was seen.
///
/// Late ones are always looked for: a sequence number is taken before a transaction id, and
/// a running transaction at or above xmax is not listed, so a snapshot with nothing in
/// flight can still have a late row behind it. Two index probes, kept apart by the
/// union: as one condition they are planned as a scan when statistics are stale. And
/// `seq + 0`, so that nothing but the index on xid can serve: by the primary key, which a
/// planner without statistics prefers, every row up to the head would be read.
pub(super) async fn look(
    session: &mut PgConnection,
    lease: &Lease,
    tip: &LedgerTip,
    limit: usize,
) -> sqlx::Result<Looked> {
    let rows: Vec<PgRow> = sqlx::query(if planted(Bug::LateSealedAgain) {
        look!("")
    } else {
        look!(
            "where not exists (select from dragoman.late_events
                               where late_events.seq = found.seq)"
        )
    })
    .bind(&tip.snapshot)
    .bind(tip.high_seq)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX - 1))
    .bind(&lease.name)
    .bind(lease.epoch)
    .fetch_all(session)
    .await?;
    let mut looked = Looked::default();
    for row in &rows {
        let seq: Option<i64> = row.try_get(1)?;
        if seq.is_some() {
            looked.rows.push(UnsealedRow {
                event: EventRow::from_column(row, 1)?,
                by_sql: row.try_get(12)?,
            });
        } else {
            looked.snapshot = row.try_get(0)?;
        }
    }
    Ok(looked)
}

/// A batch to be written down.
#[derive(Debug)]
pub(super) struct NewBatch {
    pub(super) tip: LedgerTip,
    pub(super) events: usize,
    pub(super) high_seq: i64,
    pub(super) snapshot: String,
    pub(super) late: Vec<i64>,
    pub(super) system_identifier: i64,
    pub(super) timeline: i32,
    pub(super) lease: Lease,
}

macro_rules! insert {
    ($on_conflict:literal) => {
        concat!(
            "with last as materialized (
                 select batch, first_position + event_count as next_position, high_seq,
                        snapshot::text as snapshot, system_identifier
                 from dragoman.ledger order by batch desc limit 1
             ), sealed as (
                 insert into dragoman.ledger (batch, first_position, event_count, low_seq, high_seq,
                                              snapshot, sealed_by, system_identifier, timeline)
                 select last.batch + 1, last.next_position, $1, last.high_seq, $2,
                        $3::pg_snapshot, $4, last.system_identifier, $5
                 from last
                 where last.batch = $6 and last.next_position = $7 and last.high_seq = $8
                   and last.snapshot = $12 and last.system_identifier = $13
                   and exists (select from dragoman.leases
                               where name = $9 and epoch = $10 and expires_at > clock_timestamp())
                 returning batch
             ), noted as (
                 insert into dragoman.late_events (seq, batch)
                 select late.seq, sealed.batch from sealed, unnest($11::bigint[]) as late (seq)
                 ",
            $on_conflict,
            ")
             select count(*) from sealed"
        )
    };
}

/// False when the ledger does not end at the tip, or the lease does not last. The lease's
/// row is not locked: the fence is the number of the batch, and a lock would make each
/// renewal wait for a seal.
pub(super) async fn insert(session: &mut PgConnection, new: &NewBatch) -> Result<bool, SealError> {
    let inserted: Result<i64, sqlx::Error> = sqlx::query_scalar(if planted(Bug::LateSealedAgain) {
        insert!("on conflict do nothing")
    } else {
        insert!("")
    })
    .bind(i32::try_from(new.events).unwrap_or(i32::MAX))
    .bind(new.high_seq)
    .bind(&new.snapshot)
    .bind(&new.lease.holder)
    .bind(new.timeline)
    .bind(new.tip.batch)
    .bind(new.tip.next_position.0)
    .bind(new.tip.high_seq)
    .bind(&new.lease.name)
    .bind(new.lease.epoch)
    .bind(&new.late)
    .bind(&new.tip.snapshot)
    .bind(new.system_identifier)
    .fetch_one(session)
    .await;
    match inserted {
        Ok(batches) => Ok(batches > 0),
        Err(error) if is_taken(&error) => Err(SealError::LostBatch),
        Err(error) => Err(sealing(error)),
    }
}

/// Whether another sealer has taken the number of the batch.
fn is_taken(error: &sqlx::Error) -> bool {
    let constraint = error
        .as_database_error()
        .and_then(|error| error.constraint());
    sql_state(error).as_deref() == Some("23505")
        && constraint.is_some_and(|constraint| constraint.starts_with("ledger"))
}

/// Whether a lease lasts.
pub(super) async fn leads(session: &mut PgConnection, lease: &Lease) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from dragoman.leases
                        where name = $1 and epoch = $2 and expires_at > clock_timestamp())",
    )
    .bind(&lease.name)
    .bind(lease.epoch)
    .fetch_one(session)
    .await
}
