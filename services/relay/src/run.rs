//! A relay from start to stop: standing by, leading, standing by again.

use std::sync::Arc;
use std::time::Duration;

use dragoman_core::{Backoff, chain};
use dragoman_store::{Leadership, Lease, Store};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::lease::LEASE;
use crate::lineage::KnownTails;
use crate::schema_check::SchemaCheck;
use crate::task::Task;
use crate::term::{LeadEnd, Term};
use crate::{RelayError, RelayOptions, telemetry};

/// The rests between tries while the database is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));

/// How long giving the lease back may take.
const RETURNING: Duration = Duration::from_secs(2);

/// Seals and publishes whenever this process holds the lease, until `stop`. Then it
/// finishes what Kafka is about to acknowledge, marks it, and gives the lease back.
///
/// Order of work, never otherwise: seal (commit) → publish → acknowledged by Kafka →
/// mark. Postgres or Kafka away is waited out; a lost lease is no error but a return
/// to standing by. A halt is left in the database for `status` before it is returned,
/// and taken back by the next relay that leads well.
///
/// # Errors
/// Whatever halts a relay: see [`RelayError`] and its [`RelayError::remedy`].
pub async fn run(
    options: RelayOptions,
    store: Store,
    schema_check: SchemaCheck,
    known_tails: KnownTails,
    stop: CancellationToken,
) -> Result<(), RelayError> {
    let relay = Relay {
        options,
        store,
        schema_check,
        known_tails,
        stop,
    };
    let ended = relay.stand_by().await;
    if let Err(halt) = &ended {
        let (message, remedy) = (chain(halt), halt.remedy());
        let reported = relay
            .store
            .report_halt(LEASE, halt.code(), &message, &remedy)
            .await;
        if let Err(error) = reported {
            tracing::warn!(error = %chain(&error), "the halt could not be left for `status`");
        }
    }
    ended
}

struct Relay {
    options: RelayOptions,
    store: Store,
    schema_check: SchemaCheck,
    known_tails: KnownTails,
    stop: CancellationToken,
}

impl Relay {
    /// Waits for the lease, leads, and begins again when it was lost.
    async fn stand_by(&self) -> Result<(), RelayError> {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let instance = &self.options.instance;
            let ttl = self.options.lease_ttl;
            let asked = timeout(ttl, self.store.acquire_lease(LEASE, instance, ttl)).await;
            let rest = match asked {
                Ok(Ok(Some(lease))) => {
                    failures = 0;
                    tracing::info!(%instance, epoch = lease.epoch, "leading: this relay seals and publishes");
                    match self.lead(lease).await? {
                        LeadEnd::Stopped => return Ok(()),
                        LeadEnd::LostLease => {
                            tracing::warn!(%instance, "the lease was lost; standing by");
                        }
                    }
                    Duration::ZERO
                }
                Ok(Ok(None)) => {
                    failures = 0;
                    ttl / 5
                }
                Err(_) => {
                    tracing::warn!("the database does not answer when asked for the lease");
                    Duration::ZERO
                }
                Ok(Err(error)) if error.is_unavailable() => {
                    failures += 1;
                    tracing::warn!(error = %chain(&error), "the lease waits for the database");
                    AWAY.wait(failures, rand::random())
                }
                Ok(Err(error)) => return Err(RelayError::store(error)),
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// One term, from taking the lease to losing or returning it.
    async fn lead(&self, lease: Lease) -> Result<LeadEnd, RelayError> {
        let leadership = Arc::new(Leadership::new(lease));
        let keeper = {
            let (leadership, store) = (Arc::clone(&leadership), self.store.clone());
            Task::start(async move { leadership.keep(&store).await })
        };
        let term = Term {
            options: &self.options,
            store: &self.store,
            schema_check: &self.schema_check,
            known_tails: &self.known_tails,
            stop: &self.stop,
            leadership: &leadership,
        };
        telemetry::leader(true);
        let ended = term.serve().await;
        telemetry::leader(false);
        drop(keeper);
        if leadership.holds() {
            let lease = leadership.lease();
            let returned = timeout(RETURNING, self.store.release_lease(&lease)).await;
            if !matches!(returned, Ok(Ok(()))) {
                tracing::debug!("the lease was not given back; it runs out");
            }
        }
        ended
    }
}
