//! Sessions on the target's database.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use dragoman_store::answering_pool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres, Transaction};

use super::error::TargetError;

/// How long a call waits for a session before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many steps go by between two looks for old checkpoints.
pub(crate) const PRUNE_EVERY: u32 = 64;

/// A database that projections write to. Cheap to clone; clones share the sessions.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) pool: PgPool,
    pub(crate) options: PgConnectOptions,
    /// Steps since the process began, to prune checkpoints now and then.
    pub(crate) steps: Arc<AtomicU32>,
}

impl Target {
    /// Prepares sessions; the first is opened when it is needed. `url` is that of the
    /// target, `name` is shown in `pg_stat_activity`.
    ///
    /// Every session has `synchronous_commit = on` (what is checkpointed is flushed,
    /// whatever the database's default), an `idle_in_transaction_session_timeout` of
    /// 5 s (the locks of a frozen process do not outlive it), a `lock_timeout` of 10 s
    /// (whoever holds a table for long is met as unavailable, and tried again), and
    /// reads names and values the same whatever the database or the role prescribe.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn connect(url: &str, name: &str, max_connections: u32) -> Result<Self, TargetError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(TargetError::Url)?
            .application_name(name)
            .options([
                ("synchronous_commit", "on"),
                ("idle_in_transaction_session_timeout", "5s"),
                // A call that was given up does not go on there for long.
                ("client_connection_check_interval", "5s"),
                ("lock_timeout", "10s"),
                ("default_transaction_isolation", "read committed"),
                ("search_path", "pg_catalog"),
                ("IntervalStyle", "postgres"),
            ]);
        let pool = answering_pool()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            options,
            steps: Arc::default(),
        })
    }

    pub(crate) async fn begin(
        &self,
        doing: &'static str,
    ) -> Result<Transaction<'static, Postgres>, TargetError> {
        self.pool.begin().await.map_err(TargetError::during(doing))
    }

    /// A session for statements that need no transaction.
    pub(crate) async fn connection(
        &self,
        doing: &'static str,
    ) -> Result<PoolConnection<Postgres>, TargetError> {
        self.pool
            .acquire()
            .await
            .map_err(TargetError::during(doing))
    }

    /// Begins a transaction that sees one state of everything and writes nothing.
    pub(crate) async fn begin_reading(
        &self,
        doing: &'static str,
    ) -> Result<Transaction<'static, Postgres>, TargetError> {
        self.pool
            .begin_with("begin isolation level repeatable read read only")
            .await
            .map_err(TargetError::during(doing))
    }
}
