//! Giving events their position.

use std::time::{Duration, Instant};

use dragoman_core::{Backoff, Position, RecordedEvent, chain};
use dragoman_store::{
    Leadership, LedgerTip, SealError, SealOutcome, SealSession, SealedBatch, Store,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::answer::in_time;
use crate::bell::Bell;
use crate::lineage::Lineage;
use crate::pace::Pace;
use crate::schema_check::Unchecked;
use crate::{RelayError, telemetry};

/// The rests between tries while the database is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));

/// How long sealing lets the publisher keep up: reading a batch back from the ledger
/// costs more than this.
const PATIENCE: Duration = Duration::from_millis(100);

/// What one look at the log came to.
#[derive(Debug)]
pub(crate) enum SealStep {
    /// Nothing new.
    Idle,
    /// A batch was sealed and committed.
    Sealed(SealedBatch),
    /// The ledger does not end where it was left; nothing was sealed, and the next
    /// step compares lineages first.
    LedgerMoved,
    /// The lease is not held any more; nothing was sealed.
    LostLease,
}

/// Why the loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SealEnd {
    /// It was asked to stop.
    Stopped,
    /// The lease is another's.
    LostLease,
}

/// Seals, as the one leader.
pub(crate) struct Sealer<'a> {
    pub(crate) store: &'a Store,
    pub(crate) leadership: &'a Leadership,
    pub(crate) lineage: &'a Lineage,
    pub(crate) batch_limit: usize,
    /// Where the ledger ended when it was last known to be the right one. `None`
    /// when the database was away since: it may have come back as another one, so the
    /// seal itself makes sure that it continues this.
    pub(crate) verified: Option<LedgerTip>,
    /// Kept until something goes wrong.
    pub(crate) session: Option<SealSession>,
}

impl Sealer<'_> {
    async fn seal(&mut self, tip: &LedgerTip) -> Result<SealOutcome, SealError> {
        let session = match &mut self.session {
            Some(session) => session,
            None => self.session.insert(self.store.seal_session().await?),
        };
        let lease = self.leadership.lease();
        session.seal(&lease, self.batch_limit, tip).await
    }

    /// One look at the log. Compares lineages first when the database was away.
    ///
    /// # Errors
    /// Halts when the ledger is not the one that was published from; or the
    /// database is away.
    pub(crate) async fn seal_step(&mut self) -> Result<SealStep, RelayError> {
        let tip = match &self.verified {
            Some(tip) => tip.clone(),
            None => self.lineage.check(self.store).await?,
        };
        if !self.leadership.holds() {
            return Ok(SealStep::LostLease);
        }
        let started = Instant::now();
        let sealed = in_time("sealing", self.seal(&tip))
            .await
            .unwrap_or_else(|error| Err(SealError::Store(error)));
        if sealed.is_err() {
            self.session = None;
        }
        self.verified = Some(tip);
        match sealed {
            Ok(SealOutcome::Idle) => Ok(SealStep::Idle),
            Ok(SealOutcome::Sealed(batch)) => {
                telemetry::sealed(batch.events.len(), batch.late, started.elapsed());
                if let Some(last) = batch.events.last() {
                    self.lineage.sealed(last.identity());
                }
                self.verified = Some(batch.tip.clone());
                Ok(SealStep::Sealed(batch))
            }
            Err(SealError::OtherTip { .. }) => {
                self.verified = None;
                Ok(SealStep::LedgerMoved)
            }
            Err(SealError::LostLease | SealError::LostBatch) => Ok(SealStep::LostLease),
            Err(SealError::ForeignCluster { sealed_in, here }) => {
                Err(RelayError::ForeignCluster { sealed_in, here })
            }
            Err(SealError::Store(source)) => {
                self.verified = None;
                Err(RelayError::store(source))
            }
        }
    }
}

/// Where sealed batches go.
pub(crate) struct Outlets {
    /// To the publisher. A batch that finds no room is read from the ledger later,
    /// so sealing does not stop when Kafka is away.
    pub(crate) batches: Option<mpsc::Sender<SealedBatch>>,
    /// The last position sealed; moved after the batch was handed out.
    pub(crate) head: watch::Sender<Position>,
    pub(crate) unchecked: Unchecked,
    /// Whether the publisher had no room for the last batch: no use in waiting.
    pub(crate) behind: bool,
}

impl Outlets {
    async fn hand_out(&mut self, batch: SealedBatch) {
        let came_by_sql: Vec<RecordedEvent> = batch.came_by_sql().cloned().collect();
        if !came_by_sql.is_empty() {
            let _nobody_checks = self.unchecked.send(came_by_sql).await;
        }
        let Some(last) = batch.events.last().map(|event| event.position) else {
            return;
        };
        if let Some(batches) = &self.batches {
            let patience = if self.behind {
                Duration::ZERO
            } else {
                PATIENCE
            };
            let sent = batches.send_timeout(batch, patience).await;
            self.behind = sent.is_err();
        }
        self.head.send_replace(last);
    }

    /// Lets the publisher read what was sealed and not handed out: the answer to a seal got
    /// lost, or another relay sealed last.
    fn reach(&self, sealed: Position) {
        self.head.send_if_modified(|head| {
            let is_behind = *head < sealed;
            *head = sealed.max(*head);
            is_behind
        });
    }
}

/// Seals until asked to stop or the lease is lost, resting while there is nothing.
///
/// # Errors
/// Whatever halts a relay.
pub(crate) async fn seal_loop(
    mut sealer: Sealer<'_>,
    mut outlets: Outlets,
    stop: CancellationToken,
) -> Result<SealEnd, RelayError> {
    let mut pace = Pace::new();
    let mut bell = Bell::new(sealer.store);
    let mut failures = 0;
    while !stop.is_cancelled() {
        let rest = match sealer.seal_step().await {
            Ok(SealStep::LostLease) => {
                sealer.leadership.lose();
                return Ok(SealEnd::LostLease);
            }
            Ok(SealStep::Sealed(batch)) => {
                failures = 0;
                let full = batch.events.len() >= sealer.batch_limit;
                outlets.hand_out(batch).await;
                pace.found();
                bell.disarm().await;
                if full {
                    continue;
                }
                pace.rest()
            }
            Ok(SealStep::Idle) => {
                failures = 0;
                if let Some(tip) = &sealer.verified {
                    outlets.reach(Position(tip.next_position.0 - 1));
                }
                if pace.is_idle() && bell.arm().await {
                    continue;
                }
                pace.rest()
            }
            Ok(SealStep::LedgerMoved) => {
                tracing::warn!(
                    "the ledger does not end where it was left: comparing lineages before the next seal"
                );
                pace.rest()
            }
            Err(error) if error.is_unavailable() => {
                failures += 1;
                tracing::warn!(error = %chain(&error), "sealing waits for the database");
                AWAY.wait(failures, rand::random())
            }
            Err(error) => return Err(error),
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = bell.rung() => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(SealEnd::Stopped)
}

#[cfg(test)]
mod tests {
    use dragoman_core::Position;
    use tokio::sync::watch;

    use super::Outlets;
    use crate::schema_check::unchecked;

    #[test]
    fn what_was_sealed_and_not_handed_out_is_reached_and_nothing_is_taken_back() {
        let (head, mut seen) = watch::channel(Position(5));
        let (unchecked, _nobody_checks) = unchecked();
        let outlets = Outlets {
            batches: None,
            head,
            unchecked,
            behind: false,
        };
        outlets.reach(Position(4));
        assert!(seen.has_changed().is_ok_and(|changed| !changed));
        outlets.reach(Position(7));
        assert_eq!(*seen.borrow_and_update(), Position(7));
    }
}
