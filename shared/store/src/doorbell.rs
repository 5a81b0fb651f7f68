//! Waking a sealer that has gone idle, without a NOTIFY under load.
//!
//! A NOTIFY takes a lock of the whole cluster at commit, so writers must not send
//! one per event. The sleeper holds an advisory lock while it sleeps; a writer tries
//! to share it, which costs next to nothing, and notifies only when it cannot.

use sqlx::postgres::PgListener;

use crate::{Store, StoreError};

/// The channel that is rung.
const CHANNEL: &str = "dragoman_events";

/// Rings when the sleeper sleeps: one statement, also to be joined to another one of
/// the transaction that has stored something. The number is the lock that the
/// sleeper holds.
macro_rules! ring {
    () => {
        "select pg_notify('dragoman_events', '')
         where not pg_try_advisory_xact_lock_shared(4919254186035200)"
    };
}
pub(crate) use ring;

const RING: &str = ring!();
const SLEEP: &str = "select pg_try_advisory_lock(4919254186035200)";
const WAKE: &str = "select pg_advisory_unlock(4919254186035200)";

/// The sleeper's end, on a session of its own. Arm it before the last look for work:
/// whoever stores something after that look rings.
#[derive(Debug)]
pub struct Doorbell {
    listener: PgListener,
    armed: bool,
}

impl Store {
    /// Rings, if somebody sleeps.
    ///
    /// # Errors
    /// When the database does not answer; the sleeper looks by itself now and then.
    pub async fn ring(&self) -> Result<(), StoreError> {
        sqlx::query(RING)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::during("ringing the doorbell"))
    }

    /// A doorbell to sleep beside. Takes one of the sessions for as long as it lives.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn doorbell(&self) -> Result<Doorbell, StoreError> {
        let during = || StoreError::during("putting up the doorbell");
        let mut listener = PgListener::connect_with(&self.pool)
            .await
            .map_err(during())?;
        listener.listen(CHANNEL).await.map_err(during())?;
        Ok(Doorbell {
            listener,
            armed: false,
        })
    }
}

impl Doorbell {
    /// Lies down to sleep: from now on writers ring. They do not when another sleeper
    /// of the same database holds the lock, as a standby never does.
    ///
    /// # Errors
    /// When the session is lost: put up another doorbell.
    pub async fn arm(&mut self) -> Result<(), StoreError> {
        if !self.armed {
            self.armed = sqlx::query_scalar(SLEEP)
                .fetch_one(&mut self.listener)
                .await
                .map_err(StoreError::during("arming the doorbell"))?;
        }
        Ok(())
    }

    /// Gets up: writers need not ring any more.
    ///
    /// # Errors
    /// When the session is lost, and the lock with it.
    pub async fn disarm(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.armed) {
            sqlx::query(WAKE)
                .execute(&mut self.listener)
                .await
                .map_err(StoreError::during("disarming the doorbell"))?;
        }
        Ok(())
    }

    /// Waits until it is rung. Cancel safe.
    ///
    /// # Errors
    /// When the session is lost: put up another doorbell.
    pub async fn rung(&mut self) -> Result<(), StoreError> {
        match self.listener.try_recv().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(StoreError::during("waiting at the doorbell")(
                sqlx::Error::WorkerCrashed,
            )),
            Err(error) => Err(StoreError::during("waiting at the doorbell")(error)),
        }
    }
}
