//! Where to test. What is not set fails the test: nothing is skipped.

use std::path::PathBuf;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run make test"))
}

/// The URL of the Postgres that all tests share.
#[must_use]
pub fn shared_postgres() -> String {
    variable("DRAGOMAN_TEST_POSTGRES")
}

/// The address of the Kafka that all tests share.
#[must_use]
pub fn shared_kafka() -> String {
    variable("DRAGOMAN_TEST_KAFKA")
}

/// The class path of Apache Kafka, for brokers of one's own and its own tools.
#[must_use]
pub fn kafka_libraries() -> String {
    format!("{}/*", variable("DRAGOMAN_TEST_KAFKA_LIBS"))
}

/// The server programs of Postgres, for clusters of one's own.
pub(crate) fn postgres_programs() -> PathBuf {
    variable("DRAGOMAN_TEST_POSTGRES_BIN").into()
}

/// The hub's binary.
#[must_use]
pub fn hub_program() -> PathBuf {
    variable("DRAGOMAN_BIN").into()
}
