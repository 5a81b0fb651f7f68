//! Being the one process that does something, for as long as the lease says so.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dragoman_core::chain;
use tokio_util::sync::CancellationToken;

use crate::{Lease, Store};

/// The lease held, and the word that it is lost.
///
/// Whoever is about to do what only the leader may asks [`Leadership::holds`] first: a
/// process that was frozen finds its lease expired when it wakes, by a clock that
/// went on, before anybody told it.
#[derive(Debug)]
pub struct Leadership {
    lease: Mutex<Lease>,
    lost: CancellationToken,
}

impl Leadership {
    /// Leading begins.
    #[must_use]
    pub fn new(lease: Lease) -> Self {
        Self {
            lease: Mutex::new(lease),
            lost: CancellationToken::new(),
        }
    }

    /// Whether the lease lasts at this moment.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.lost.is_cancelled() && Instant::now() < self.locked().deadline
    }

    /// The lease as last renewed.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.locked().clone()
    }

    /// Says that the lease is another's.
    pub fn lose(&self) {
        self.lost.cancel();
    }

    /// Resolves when the lease is known to be lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Cancelled when the lease is known to be lost.
    #[must_use]
    pub fn loss(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Renews at a third of the lease's time, until it is lost. Runs as a task.
    pub async fn keep(&self, store: &Store) {
        while !self.lost.is_cancelled() {
            let rest = self.lease().ttl / 3;
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.lost.cancelled() => return,
            }
            self.renew_step(store).await;
        }
    }

    /// One renewal. The database away is no loss yet: it is tried until the deadline.
    async fn renew_step(&self, store: &Store) {
        loop {
            let lease = self.lease();
            let left = lease.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(lease = %lease.name, holder = %lease.holder, "the lease ran out before it could be renewed");
                return self.lose();
            }
            match tokio::time::timeout(left, store.renew_lease(&lease)).await {
                Ok(Ok(Some(renewed))) => {
                    *self.locked() = renewed;
                    return;
                }
                Ok(Ok(None)) => {
                    tracing::warn!(lease = %lease.name, holder = %lease.holder, "the lease has gone to another process");
                    return self.lose();
                }
                Ok(Err(error)) => {
                    tracing::warn!(lease = %lease.name, error = %chain(&error), "the lease could not be renewed; it is tried again");
                    tokio::time::sleep(Duration::from_millis(200).min(left)).await;
                }
                Err(_) => {}
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
