//! Brings downstream tables into line with the log: apply, park, rebuild.
//!
//! ```text
//!   Kafka partition ─┐                      ┌─► rows of the table
//!   (one consumer    ├─► runner ─► apply ───┼─► parked subjects    one transaction
//!    group each)     │   gaps filled        └─► owner record       of the target
//!   the ledger ──────┘   from the log
//! ```
//!
//! Whoever brings events is a [`Reader`]: a partition of a topic, or the ledger as a
//! whole. Each reader has one owner record per projection and generation, in the
//! database of the effect, moved by compare-and-set in the transaction of the effect:
//! whatever Kafka or a lease believed, an event takes effect exactly once.

mod column_type;
mod compile;
mod database;
mod definition;
mod definition_hash;
mod options;
mod order_rule;
mod reader;
mod runner;
mod sinks;
mod start;
mod table_name;

pub use column_type::{ColumnType, ColumnTypeError};
pub use database::{DatabaseName, DatabaseUrlError};
pub use definition::{Column, Definition, DefinitionProblem, KeyColumn, Operator, Order};
pub use options::{
    ColumnOptions, KeyOptions, OrderOptions, PostgresSinkOptions, ProjectionOptions, SinkOptions,
};
pub use reader::{Checkpoint, Reader, ReaderMode};
pub use runner::{
    ProjectionAccount, ProjectorError, RebuildOutcome, RebuildProgress, RunnerOptions, account,
    describe_metrics, known_tails, rebuild, run,
};
pub use sinks::postgres::{
    Applied, ApplyError, Built, Decision, Drained, Generation, GenerationState, LiveLock,
    OpenError, Opened, ParkedEvent, ParkedState, ParkedSubject, Step, Stop, Target, TargetCounts,
    TargetError,
};
pub use start::Start;
pub use table_name::TableName;
