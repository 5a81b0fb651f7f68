//! What tests across services stand on: the real binary in processes of its own, real
//! servers, a Kafka client that is not ours, and judges.
//!
//! ```text
//!   history  what was sent, and what the answer was          (sql_load, http_load)
//!      │
//!      ├──► log      what the event log holds, by position   (log)
//!      ├──► Kafka    what a foreign reader finds there       (kafka_reader → chain)
//!      └──► tables   what the projections made of it         (fold)
//! ```
//!
//! A scenario writes a [`Project`], starts processes of it, hurts one of them or a server
//! that it has for itself, and asks the judges. Nothing here looks into the hub's own
//! account of itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this is test code: what is not as it should be ends the test"
)]
#![allow(
    clippy::print_stderr,
    reason = "the runner and the logs of failed scenarios are for people"
)]

mod account;
pub mod attack;
mod broker;
mod chain;
mod database;
mod environment;
mod flow;
mod fold;
mod history;
mod hook;
mod http_load;
mod kafka_reader;
mod log;
mod ports;
mod postgres;
mod process;
mod project;
mod scenario;
mod small_disk;
mod sql_load;
mod topics;
mod verdict;
mod wait;

pub use broker::Broker;
pub use chain::{Breach, Chain, Flaw, check_chain};
pub use database::Database;
pub use environment::{hub_program, kafka_libraries, shared_kafka, shared_postgres};
pub use flow::{
    Passage, applied, freeze_in_flight, in_kafka, wait_for_topics, wait_until_applied,
    wait_until_published,
};
pub use fold::{Row, fold, read_rows};
pub use history::{History, Outcome, Sent};
pub use http_load::HttpLoad;
pub use kafka_reader::{Record, end_offsets, exists, read_topic};
pub use log::{Fact, Gap, end_leases, gaps, read_log, sealed_head, stored};
pub use ports::free_port;
pub use postgres::Postgres;
pub use process::{Process, tied};
pub use project::{Kafka, ORDERS, Project, STOCK, tally, tally_in_line};
pub use scenario::{Scenario, note, run};
pub use sql_load::SqlLoad;
pub use topics::Topics;
pub use verdict::{
    check_histories, check_history, check_kafka, check_parked, check_table, check_table_in_line,
    check_table_without_poison,
};
pub use wait::{eventually, eventually_within};
