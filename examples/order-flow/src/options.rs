//! What the program needs to know; `scripts/demo` says it in the environment.

use std::path::PathBuf;

use clap::Parser;

/// Plays the world around a hub, kills parts of the hub meanwhile, and compares what
/// every system should have with what it has
///
/// Exit code 0: everything balances. 1: something does not, or could not be tried.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "order-flow",
    max_term_width = 100,
    after_help = "It is started by `make demo`, which sets up what it needs."
)]
pub(crate) struct Options {
    /// The hub's binary
    #[arg(long, value_name = "FILE", env = "DRAGOMAN_BIN")]
    pub(crate) dragoman: PathBuf,
    /// A superuser of a Postgres cluster in which databases may be made
    #[arg(
        long,
        value_name = "URL",
        env = "DRAGOMAN_TEST_POSTGRES",
        hide_env_values = true
    )]
    pub(crate) postgres: String,
    /// The brokers of a Kafka; left out: without Kafka
    #[arg(long, value_name = "HOST:PORT", env = "DRAGOMAN_TEST_KAFKA")]
    pub(crate) kafka: Option<String>,
    /// What the names of topics begin with, on a Kafka that is not ours alone
    #[arg(long, value_name = "TEXT", default_value = "", env = "TOPIC_PREFIX")]
    pub(crate) topic_prefix: String,
    /// How many orders the shop sends; cancellations come on top
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000, env = "ORDERS", value_parser = clap::value_parser!(u32).range(200..=1_000_000))]
    pub(crate) orders: u32,
    /// What chance is made of: the same number, the same orders and the same trouble
    #[arg(long, value_name = "NUMBER", default_value_t = 1, env = "SEED")]
    pub(crate) seed: u64,
}
