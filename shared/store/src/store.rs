//! The pool of sessions on the hub's database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::StoreError;
use crate::pool::answering_pool;

/// How the sessions of one process are made.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// The most sessions at once; a sealer has one more of its own.
    pub max_connections: u32,
    /// How long a call waits for a free or new session before the database counts
    /// as unavailable.
    pub acquire_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            application_name: "dragoman".to_owned(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
        }
    }
}

/// The hub's database. Cheap to clone; clones share the sessions.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
}

impl Store {
    /// Prepares the sessions; the first is opened when it is needed, so a database
    /// that is away does not fail here.
    ///
    /// Every session has `synchronous_commit = on` (what is acknowledged, sealed or
    /// marked is flushed, whatever the database's default), and an
    /// `idle_in_transaction_session_timeout` of 5 s (the locks of a frozen process
    /// do not outlive its lease). Nothing is compiled (`jit = off`): statements over
    /// ranges of a long log look costly to the planner, and are not. And they go by indexes
    /// (`enable_seqscan`, `enable_mergejoin`): without statistics the planner reads the
    /// whole log for a batch of it.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the URL cannot be read.
    pub fn connect(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(StoreError::Url)?
            .application_name(&options.application_name)
            .options([
                ("synchronous_commit", "on"),
                ("idle_in_transaction_session_timeout", "5s"),
                // A call that was given up does not go on there for long.
                ("client_connection_check_interval", "5s"),
                ("default_transaction_isolation", "read committed"),
                ("jit", "off"),
                ("enable_seqscan", "off"),
                ("enable_mergejoin", "off"),
                ("search_path", "pg_catalog"),
                ("TimeZone", "UTC"),
            ]);
        let pool = answering_pool()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .connect_lazy_with(connect);
        Ok(Self { pool })
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1")
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::during("asking whether it answers"))
    }

    /// Closes the sessions once their calls are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
