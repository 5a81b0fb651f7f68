//! Being the one process that does something to a projection, by a lease.

use std::sync::Arc;
use std::time::Duration;

use dragoman_store::{Leadership, Lease, Store, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long the lease lasts without being renewed: so long the next one waits for one that
/// was killed.
const LEASE: Duration = Duration::from_secs(5);

/// The lease, renewed until it is given back. Dropped, it runs out.
#[derive(Debug)]
pub(super) struct Alone {
    leadership: Arc<Leadership>,
    keeper: AbortOnDropHandle<()>,
    store: Store,
}

impl Alone {
    /// Takes the lease of that name. Waits as long as that of a process that was killed
    /// may last; `None` when somebody else holds it all that time.
    ///
    /// # Errors
    /// When the hub's database does not answer.
    pub(super) async fn take(
        store: &Store,
        name: &str,
        instance: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(lease) = take_lease(store, name, instance).await? else {
            return Ok(None);
        };
        let leadership = Arc::new(Leadership::new(lease));
        let keeper = {
            let (leadership, store) = (Arc::clone(&leadership), store.clone());
            AbortOnDropHandle::new(tokio::spawn(async move { leadership.keep(&store).await }))
        };
        Ok(Some(Self {
            leadership,
            keeper,
            store: store.clone(),
        }))
    }

    /// Cancelled when the lease is known to be lost.
    pub(super) fn loss(&self) -> CancellationToken {
        self.leadership.loss()
    }

    /// Lets the next one begin at once.
    pub(super) async fn give_back(self) {
        drop(self.keeper);
        if self.leadership.holds() {
            let _runs_out = self.store.release_lease(&self.leadership.lease()).await;
        }
    }
}

async fn take_lease(
    store: &Store,
    name: &str,
    instance: &str,
) -> Result<Option<Lease>, StoreError> {
    let give_up = Instant::now() + LEASE + LEASE / 10;
    loop {
        let lease = store.acquire_lease(name, instance, LEASE).await?;
        if lease.is_some() || Instant::now() >= give_up {
            return Ok(lease);
        }
        sleep(LEASE / 20).await;
    }
}
