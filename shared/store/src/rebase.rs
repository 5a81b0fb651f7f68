//! Taking the log over in another cluster, after a dump and a restore.
//!
//! Membership compares transaction ids with snapshots, and both are numbers of the
//! cluster that wrote them. In another cluster new transactions get ids that mean
//! nothing beside the old ones: an old event could look younger than a snapshot of
//! today, and be sealed again. So the old ids are replaced, once, by two that say
//! all that membership needs: what a batch's range holds was visible to it, and what
//! `late_events` names was not. What was sealed keeps its position, event by event;
//! that is compared before anything is committed.

use sqlx::{Postgres, Row as _, Transaction};
use thiserror::Error;

use crate::{Store, StoreError};

/// What a rebase came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebaseOutcome {
    /// The ledger was sealed in this very cluster.
    NotNeeded,
    /// The log is this cluster's now.
    Rebased {
        /// Events that kept their position.
        kept: i64,
        /// Events that had not been sealed before the dump and got theirs now.
        sealed: i64,
    },
}

/// Why the log was not taken over. Nothing was changed.
#[derive(Debug, Error)]
pub enum RebaseError {
    /// Something of the hub still runs.
    #[error(
        "something still uses the hub's tables; stop every process of the hub and run `dragoman migrate --rebase` again"
    )]
    InUse,
    /// The positions would not have been the same.
    #[error(
        "{moved} events would have changed their position; nothing was changed, and this is a defect to report: the restored database is not what was dumped, or was changed since"
    )]
    Moved {
        /// How many.
        moved: i64,
    },
    /// The database did not take it.
    #[error("the log could not be taken over")]
    Store(#[source] StoreError),
}

/// No statement waits for a lock that a running hub holds.
const LOCK: &str = "
    set local lock_timeout = '3s';
    lock table dragoman.events, dragoman.event_keys, dragoman.ledger, dragoman.late_events
        in access exclusive mode;";

/// Where each event stands by the old ids, and which of them only `late_events` names.
const REMEMBER: &str = "
    create temporary table kept on commit drop as
        select sealed.seq, sealed.batch, sealed.position,
               not (sealed.seq > ledger.low_seq and sealed.seq <= ledger.high_seq) as late
        from dragoman.sealed_events as sealed
        join dragoman.ledger using (batch);
    create unique index on kept (seq);
    analyze kept;
    create temporary table waiting on commit drop as
        select seq, seq <= (select max(high_seq) from dragoman.ledger) as late
        from dragoman.events
        where not exists (select from kept where kept.seq = events.seq);";

/// Ids below 10 are visible in the snapshot 10:10: and those above are not; all are
/// below the ids of any cluster's own transactions, which begin in the hundreds.
/// late_events is written anew, because it may name an event that its batch's range
/// holds as well.
const REPLACE: &str = "
    alter table dragoman.events disable trigger append_only;
    alter table dragoman.ledger disable trigger append_only;
    alter table dragoman.late_events disable trigger append_only;
    delete from dragoman.late_events;
    insert into dragoman.late_events (seq, batch)
        select seq, batch from kept where late
        union all
        select seq, (select max(batch) + 1 from dragoman.ledger) from waiting where late;
    update dragoman.ledger set snapshot = '10:10:';
    update dragoman.events set xid = '3' where xid <> '3';
    update dragoman.events set xid = '20'
        from dragoman.late_events where late_events.seq = events.seq;
    update dragoman.event_keys set xid = events.xid
        from dragoman.events
        where events.source = event_keys.source and events.id = event_keys.id;
    insert into dragoman.ledger (batch, first_position, event_count, low_seq, high_seq,
                                 snapshot, sealed_by, system_identifier, timeline)
        select batch + 1, first_position + event_count, (select count(*) from waiting),
               high_seq, greatest(high_seq, (select max(seq) from waiting)),
               pg_current_snapshot(), 'rebase',
               (select system_identifier from pg_control_system()),
               (select timeline_id from pg_control_checkpoint())
        from dragoman.ledger order by batch desc limit 1;
    select setval(pg_get_serial_sequence('dragoman.events', 'seq'),
                  greatest((select max(seq) from dragoman.events),
                           (select last_value from dragoman.events_seq_seq)));
    alter table dragoman.events enable trigger append_only;
    alter table dragoman.ledger enable trigger append_only;
    alter table dragoman.late_events enable trigger append_only;";

impl Store {
    /// Takes the log over in a cluster that is not the one it was sealed in: every
    /// sealed event keeps its position, what was not sealed yet gets one, and sealing
    /// goes on from there. One transaction; it rewrites the log once, so it takes as
    /// long as that. Nothing else of the hub may run.
    ///
    /// # Errors
    /// Nothing is changed with any of them.
    pub async fn rebase(&self) -> Result<RebaseOutcome, RebaseError> {
        let mut transaction = self.pool.begin().await.map_err(during)?;
        execute(&mut transaction, LOCK).await?;
        let foreign: bool = sqlx::query_scalar(
            "select system_identifier <> (select system_identifier from pg_control_system())
             from dragoman.ledger order by batch desc limit 1",
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(during)?;
        if !foreign {
            return Ok(RebaseOutcome::NotNeeded);
        }
        execute(&mut transaction, REMEMBER).await?;
        execute(&mut transaction, REPLACE).await?;
        let outcome = compare(&mut transaction).await?;
        transaction.commit().await.map_err(during)?;
        Ok(outcome)
    }
}

/// Every event that had a position has it, and every other one has one now.
async fn compare(
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<RebaseOutcome, RebaseError> {
    let row = sqlx::query(
        "select count(kept.seq) as kept,
                (select count(*) from waiting) as sealed,
                count(*) filter (where kept.seq is not null
                                   and kept.position is distinct from now.position)
                + abs((select count(*) from dragoman.events) - count(now.seq)) as moved
         from kept full join (select seq, position from dragoman.sealed_events) as now
             on now.seq = kept.seq",
    )
    .fetch_one(&mut **transaction)
    .await
    .map_err(during)?;
    let read = |column| row.try_get::<i64, _>(column).map_err(during);
    let moved = read("moved")?;
    if moved != 0 {
        return Err(RebaseError::Moved { moved });
    }
    Ok(RebaseOutcome::Rebased {
        kept: read("kept")?,
        sealed: read("sealed")?,
    })
}

async fn execute(
    transaction: &mut Transaction<'_, Postgres>,
    statements: &'static str,
) -> Result<(), RebaseError> {
    sqlx::raw_sql(statements)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(during)
}

fn during(error: sqlx::Error) -> RebaseError {
    // 55P03, lock_not_available.
    if crate::error::sql_state(&error).as_deref() == Some("55P03") {
        return RebaseError::InUse;
    }
    RebaseError::Store(StoreError::during("taking the log over")(error))
}
