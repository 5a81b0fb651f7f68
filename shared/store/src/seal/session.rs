//! A session that seals.

use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sqlx::PgConnection;

use super::error::{SealError, sealing};
use super::statement::{self, NewBatch, UnsealedRow};
use super::{LedgerTip, SealOutcome, SealedBatch};
use crate::{Lease, Store, StoreError};

/// A session on the hub's database, to seal by. A database that takes writes cannot become
/// another one, nor an older one, under a session: what one statement of it saw, the next one
/// can write down.
/// After an error it is of no use.
#[derive(Debug)]
pub struct SealSession {
    store: Store,
    session: PgConnection,
    system_identifier: i64,
    timeline: i32,
}

impl Store {
    /// A session to seal by.
    ///
    /// # Errors
    /// When the ledger was sealed in another cluster, or the database does not answer or is
    /// a copy that follows another one.
    pub async fn seal_session(&self) -> Result<SealSession, SealError> {
        let session = self.pool.acquire().await.map_err(sealing)?;
        // Its own: it is closed when it is dropped, and keeps the settings that it gets now.
        let mut session = session.detach();
        let cluster = statement::cluster(&mut session).await.map_err(sealing)?;
        if cluster.sealed_in != cluster.here {
            return Err(SealError::ForeignCluster {
                sealed_in: cluster.sealed_in,
                here: cluster.here,
            });
        }
        if cluster.follows {
            // A snapshot that was taken there does not know what was running, and the
            // session would live on when the server is promoted.
            return Err(SealError::Store(StoreError::no_answer(
                "waiting for a server that takes writes",
            )));
        }
        Ok(SealSession {
            store: self.clone(),
            session,
            system_identifier: cluster.here,
            timeline: cluster.timeline,
        })
    }
}

impl SealSession {
    /// Seals what became visible since `tip`: late events first, then the next ones,
    /// `limit` at the most. A late set above the limit is sealed in parts, which keep
    /// the old snapshot until it is through. Cost follows what is sealed, not history.
    ///
    /// One statement looks, in one snapshot, and returns that snapshot; one writes the
    /// batch down with it, if the ledger still ends at `tip` and the lease lasts. No
    /// transaction spans the two: what a batch holds is defined by the snapshot in its row,
    /// whenever that is written (docs/adr/0005).
    ///
    /// The fence is the number of the batch: of two sealers that both believe to lead,
    /// one loses.
    ///
    /// # Errors
    /// Nothing is sealed with any of them, except that a [`SealError::Store`] leaves
    /// it open when the connection was lost at the commit: look at the tip.
    pub async fn seal(
        &mut self,
        lease: &Lease,
        limit: usize,
        tip: &LedgerTip,
    ) -> Result<SealOutcome, SealError> {
        let limit = limit.max(1);
        let looked = statement::look(&mut self.session, lease, tip, limit).await;
        let looked = looked.map_err(sealing)?;
        let seen = looked.snapshot.ok_or(SealError::LostLease)?;
        let drawn = draw_up(looked.rows, seen, limit, tip);
        if drawn.rows.is_empty() {
            return Ok(SealOutcome::Idle);
        }
        crash(CrashPoint::RelayBeforeSealCommit);
        let batch = SealedBatch::behind(tip, drawn.rows, drawn.late.len(), drawn.snapshot);
        let new = NewBatch {
            tip: tip.clone(),
            events: batch.events.len(),
            high_seq: batch.tip.high_seq,
            snapshot: batch.tip.snapshot.clone(),
            late: drawn.late,
            system_identifier: self.system_identifier,
            timeline: self.timeline,
            lease: lease.clone(),
        };
        if planted(Bug::PublishBeforeSeal) {
            self.seal_later(new).await?;
        } else if !statement::insert(&mut self.session, &new).await? {
            return self.why_not(lease, tip).await;
        }
        crash(CrashPoint::RelayAfterSeal);
        Ok(SealOutcome::Sealed(batch))
    }

    /// Why a batch did not fit behind the tip.
    async fn why_not(&mut self, lease: &Lease, tip: &LedgerTip) -> Result<SealOutcome, SealError> {
        let found = statement::tip(&mut self.session).await;
        let found = found.map_err(sealing)?;
        if found != *tip {
            return Err(SealError::OtherTip {
                expected: tip.batch,
                found: found.batch,
            });
        }
        let leads = statement::leads(&mut self.session, lease).await;
        if leads.map_err(sealing)? {
            // Whatever it was has passed: the next look seals.
            return Ok(SealOutcome::Idle);
        }
        Err(SealError::LostLease)
    }

    /// What a planted bug does: the batch is written down after it was handed out.
    async fn seal_later(&mut self, new: NewBatch) -> Result<(), SealError> {
        let mut session = self.store.pool.acquire().await.map_err(sealing)?;
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            statement::insert(&mut session, &new).await
        });
        Ok(())
    }
}

/// What goes into the next batch.
struct Drawn {
    /// By sequence number.
    rows: Vec<UnsealedRow>,
    late: Vec<i64>,
    snapshot: String,
}

fn draw_up(mut rows: Vec<UnsealedRow>, seen: String, limit: usize, tip: &LedgerTip) -> Drawn {
    rows.sort_unstable_by_key(UnsealedRow::seq);
    let mut next = rows.split_off(rows.partition_point(|row| row.seq() <= tip.high_seq));
    let mut late = rows;
    if passes_over_late(tip) {
        late.clear();
    }
    let in_parts = late.len() > limit;
    late.truncate(limit);
    next.truncate(if in_parts { 0 } else { limit - late.len() });
    let late_seqs = late.iter().map(UnsealedRow::seq).collect();
    late.append(&mut next);
    Drawn {
        rows: late,
        late: late_seqs,
        snapshot: if in_parts { tip.snapshot.clone() } else { seen },
    }
}

/// Never, but for planted bugs.
fn passes_over_late(tip: &LedgerTip) -> bool {
    let nothing_in_flight = tip.snapshot.ends_with(':');
    planted(Bug::SealOnlyAboveLast) || (planted(Bug::LateOnlyWhenInFlight) && nothing_in_flight)
}
