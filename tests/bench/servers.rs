//! The servers of a run, and what they cost.

use dragoman_tests::{shared_kafka, shared_postgres};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::cpu::Tree;

/// A Postgres and a Kafka that nobody else uses.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    /// The URL of a database of Postgres.
    pub(crate) postgres: String,
    /// The address of Kafka.
    pub(crate) kafka: String,
    /// The processes of Postgres.
    pub(crate) postgres_tree: Tree,
    /// The process of Kafka.
    pub(crate) broker_tree: Tree,
}

impl Servers {
    /// Those that `scripts/servers with` has started.
    pub(crate) fn from_environment() -> Self {
        Self {
            postgres: shared_postgres(),
            kafka: shared_kafka(),
            postgres_tree: Tree::of(process("DRAGOMAN_TEST_POSTGRES_PID")),
            broker_tree: Tree::of(process("DRAGOMAN_TEST_KAFKA_PID")),
        }
    }

    /// Writes out what earlier runs left to be written, so that this one does not pay.
    pub(crate) async fn settle(&self) {
        self.administer("checkpoint").await;
    }

    /// The value of a setting of Postgres.
    pub(crate) async fn setting(&self, name: &str) -> String {
        sqlx::query_scalar("select current_setting($1)")
            .bind(name)
            .fetch_one(&mut self.connect().await)
            .await
            .unwrap_or_else(|error| panic!("the setting {name} cannot be read: {error}"))
    }

    /// Runs a statement as the superuser, outside of every contender's database.
    pub(crate) async fn administer(&self, statement: &str) {
        self.connect()
            .await
            .execute(AssertSqlSafe(statement.to_owned()))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.postgres)
            .await
            .unwrap_or_else(|error| panic!("Postgres cannot be had: {error}"))
    }
}

fn process(name: &str) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{name} is not set: run make bench"))
}
