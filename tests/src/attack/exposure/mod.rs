//! Moments at which a mistake shows for certain: each is waited for and held, so that no
//! life depends on luck to meet it. A hub without mistakes lives through all of them.

mod behind_rebuild;
mod held_inserts;
mod late_in_quiet;
mod partitions;
mod poison;
mod slow_acks;
mod zombie;

pub(super) use slow_acks::{SLOW, UNEVEN};

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use crate::Database;

/// Numbers of the events that are sent here. None of them is poisoned.
const OWN_NUMBERS: u64 = 4_000_000;

/// A transaction that holds something which others wait for.
struct Holder {
    session: PgConnection,
    pid: i32,
    watch: PgConnection,
}

impl Holder {
    /// Holds what a statement locks.
    async fn of(database: &Database, statement: String) -> Self {
        let mut session = database.connect().await;
        let pid = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut session)
            .await
            .expect("a session has a number");
        session.execute("begin").await.expect("it can begin");
        session
            .execute(AssertSqlSafe(statement))
            .await
            .expect("it can be held");
        Self {
            session,
            pid,
            watch: database.connect().await,
        }
    }

    /// How many sessions wait for it.
    async fn waiting(&mut self) -> i64 {
        sqlx::query_scalar(
            "select count(*) from pg_stat_activity where $1 = any (pg_blocking_pids(pid))",
        )
        .bind(self.pid)
        .fetch_one(&mut self.watch)
        .await
        .expect("the server tells who waits")
    }

    /// Ends the sessions that wait for it.
    async fn end_those_who_wait(&mut self) {
        sqlx::query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where $1 = any (pg_blocking_pids(pid))",
        )
        .bind(self.pid)
        .execute(&mut self.watch)
        .await
        .expect("sessions can be ended");
    }

    /// Lets go, and leaves nothing behind.
    async fn let_go(mut self) {
        self.session
            .execute("rollback")
            .await
            .expect("it can be given up");
    }
}
