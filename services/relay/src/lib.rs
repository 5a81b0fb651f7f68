//! Seals the log into the ledger and publishes it to Kafka.
//!
//! ```text
//!   log ──► seal_loop ──(batches, head)──► publish_loop ──► Kafka
//!           commits a batch                produces, takes acknowledgements,
//!           of the ledger                  marks how far Kafka holds it
//! ```
//!
//! The order is never otherwise: **seal (commit) → publish → acknowledged by Kafka →
//! mark**. No position is seen outside that is not durable inside. Sealing does not
//! wait for Kafka: a batch that the publisher has no room for is read from the ledger
//! later. One process does this at a time, by a lease; the others stand by.
//!
//! Each step is a function that returns what came of it; loops stand apart and decide
//! when to rest, to try again, or to end.

mod answer;
mod bell;
mod error;
mod in_flight;
mod lanes;
mod lease;
mod lineage;
mod options;
mod pace;
mod publish;
mod publish_loop;
mod recovery;
mod run;
mod schema_check;
mod seal;
mod stall;
mod task;
mod telemetry;
mod term;
#[cfg(test)]
mod testing;

pub use error::RelayError;
pub use lease::LEASE;
pub use lineage::KnownTails;
pub use options::RelayOptions;
pub use run::run;
pub use schema_check::SchemaCheck;
pub use telemetry::describe_metrics;
