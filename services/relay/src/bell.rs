//! Sleeping beside the doorbell while the log is quiet.

use std::future::Future;
use std::time::Duration;

use dragoman_store::{Doorbell, Store, StoreError};
use tokio::time::timeout;

use dragoman_core::chain;

/// How long the doorbell may take: its session can be half dead on its own.
const PATIENCE: Duration = Duration::from_secs(2);

/// The doorbell as a convenience: without it, or when it breaks, the sealer still
/// looks by itself.
#[derive(Debug)]
pub(crate) struct Bell<'a> {
    store: &'a Store,
    doorbell: Option<Doorbell>,
    armed: bool,
}

impl<'a> Bell<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self {
            store,
            doorbell: None,
            armed: false,
        }
    }

    /// Arms it. True when that is news: whoever arms looks once more before sleeping.
    pub(crate) async fn arm(&mut self) -> bool {
        if self.armed {
            return false;
        }
        if self.doorbell.is_none() {
            self.doorbell = self.heard(timely(self.store.doorbell()).await);
        }
        let Some(doorbell) = &mut self.doorbell else {
            return false;
        };
        let armed = timely(doorbell.arm()).await;
        self.armed = self.heard(armed).is_some();
        self.armed
    }

    pub(crate) async fn disarm(&mut self) {
        if !std::mem::take(&mut self.armed) {
            return;
        }
        if let Some(doorbell) = &mut self.doorbell {
            let disarmed = timely(doorbell.disarm()).await;
            self.heard(disarmed);
        }
    }

    /// Resolves when it is rung; never while it is not armed. Cancel safe.
    pub(crate) async fn rung(&mut self) {
        let rung = match &mut self.doorbell {
            Some(doorbell) if self.armed => doorbell.rung().await,
            Some(_) | None => std::future::pending().await,
        };
        self.heard(Some(rung));
    }

    fn heard<T>(&mut self, answer: Option<Result<T, StoreError>>) -> Option<T> {
        let error = match answer {
            Some(Ok(heard)) => return Some(heard),
            Some(Err(error)) => chain(&error),
            None => "it does not answer".to_owned(),
        };
        tracing::debug!(%error, "the doorbell is out of order");
        self.doorbell = None;
        self.armed = false;
        None
    }
}

async fn timely<T>(wanted: impl Future<Output = T>) -> Option<T> {
    timeout(PATIENCE, wanted).await.ok()
}
