//! The hub's own tables, and nothing else's: log, ledger, catalogue, keys,
//! quarantine, marks, leases. No other crate names a table of schema `dragoman`.
//!
//! Every call is one statement or one short transaction on a pooled session whose
//! settings are pinned in [`Store::connect`]: what is acknowledged is flushed, and
//! a session that hangs in a transaction is ended by the server before its locks
//! outlive a lease.

mod account;
mod adapter_counts;
mod append;
mod catalogue;
mod content_hash;
mod doorbell;
mod error;
mod event_row;
mod keys;
mod leadership;
mod lease;
mod lineage;
mod log_reader;
mod marks;
mod members;
mod migrate;
mod operations;
mod pool;
mod portion;
mod quarantine;
mod read;
mod rebase;
mod seal;
mod search;
mod single_events;
mod store;
mod totals;

pub use account::{Coverage, Covered};
pub use adapter_counts::{AdapterCounts, AdapterTotals};
pub use append::{AppendConflict, AppendOutcome, AppendRequest, AppendResult, Appended};
pub use catalogue::{
    CatalogueEntry, CatalogueError, DEFAULT_MAX_MESSAGE_BYTES, Door, TopicRecord, record_bytes,
};
pub use content_hash::content_hash;
pub use doorbell::Doorbell;
pub use error::StoreError;
pub use keys::{CreatedKey, GrantedRole, KeyError, KeyRecord, KeyScope, NewKey, hash_of_key};
pub use leadership::Leadership;
pub use lease::Lease;
pub use lineage::{LineageError, Tail};
pub use log_reader::{LogReader, Stretch};
pub use marks::{Mark, MarkError};
pub use migrate::{MigrateError, MigrateOutcome};
pub use operations::{Gap, Halt, Pause, SchemaViolation};
pub use pool::answering_pool;
pub use portion::Portion;
pub use quarantine::{QuarantineState, QuarantinedDelivery, QuarantinedSummary};
pub use rebase::{RebaseError, RebaseOutcome};
pub use seal::{LedgerTip, SealError, SealOutcome, SealSession, SealedBatch};
pub use search::{EventBound, EventFilter, EventPage};
pub use store::{Store, StoreOptions};
pub use totals::LogTotals;
