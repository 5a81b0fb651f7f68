//! Is this still the ledger that was published from?

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use dragoman_core::Identity;
use dragoman_store::{LedgerTip, LineageError, Store, Tail};

use crate::RelayError;

/// The last events of checkpoints outside the hub's database (the projections'
/// owner records), as far as they can be read. Asked before the first seal and
/// again after the database was away.
pub type KnownTails =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<Tail>> + Send>> + Send + Sync>;

/// What is known of the ledger from outside it, kept up to date while the relay
/// runs, so that a database that comes back older is recognised.
pub(crate) struct Lineage {
    known: KnownTails,
    published: Mutex<Vec<Tail>>,
    sealed: Mutex<Option<Identity>>,
}

impl Lineage {
    pub(crate) fn new(known: KnownTails) -> Self {
        Self {
            known,
            published: Mutex::default(),
            sealed: Mutex::default(),
        }
    }

    /// Notes what Kafka holds.
    pub(crate) fn published(&self, tails: Vec<Tail>) {
        *self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = tails;
    }

    /// Notes the last event sealed by this relay.
    pub(crate) fn sealed(&self, last: Identity) {
        *self.sealed.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// Compares all of it with the ledger, and says where the ledger that was
    /// compared ends: the end is read first, so that a seal which continues it
    /// continues what was compared.
    ///
    /// # Errors
    /// Halts when something outside is not the ledger's; or the database is away.
    pub(crate) async fn check(&self, store: &Store) -> Result<LedgerTip, RelayError> {
        let tip = store.ledger_tip().await.map_err(RelayError::store)?;
        let mut tails = (self.known)().await;
        tails.extend(
            self.published
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .cloned(),
        );
        let sealed = self
            .sealed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        tails.extend(sealed.map(|identity| Tail {
            whose: "what this relay sealed last".to_owned(),
            identity,
        }));
        store
            .check_lineage(&tails)
            .await
            .map_err(|error| match error {
                LineageError::Store(source) => RelayError::store(source),
                differs @ (LineageError::Other { .. } | LineageError::Beyond { .. }) => {
                    RelayError::Lineage {
                        source: Box::new(differs),
                    }
                }
            })?;
        Ok(tip)
    }
}
