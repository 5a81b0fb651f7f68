//! Brings downstream systems into line with the log: apply or send, park, rebuild, replay.
//!
//! ```text
//!   Kafka partition ─┐                      ┌─► rows of the table
//!   (one consumer    ├─► runner ─► apply ───┼─► parked subjects    one transaction
//!    group each)     │   gaps filled        └─► owner record       of the target
//!   the ledger ──────┘   from the log
//!                        └─► send ─► requests to a receiver, by idempotency key
//!                                    └─► parked subjects, owner record: one transaction
//!                                        of the hub's database
//! ```
//!
//! Whoever brings events is a [`Reader`]: a partition of a topic, or the ledger as a
//! whole. Each reader has one owner record per projection and generation, in the
//! database of the effect, moved by compare-and-set in the transaction of the effect:
//! whatever Kafka or a lease believed, an event takes effect exactly once.

mod bookkeeping;
mod column_options;
mod column_type;
mod compile;
mod database;
mod definition;
mod definition_hash;
mod options;
mod order_rule;
mod reader;
mod replay_selection;
mod runner;
mod sinks;
mod start;
mod statement;
mod table_effect;
mod table_name;
mod telemetry;

pub use bookkeeping::{
    Applied, ApplyError, Decision, Drained, Generation, GenerationState, OpenError, Opened,
    ParkedEvent, ParkedState, ParkedSubject, Replay, ReplayRefusal, Step, Stop, Target,
    TargetCounts, TargetError, Verdict,
};
pub use column_options::{ColumnOptions, KeyOptions, OperatorOptions};
pub use column_type::{ColumnType, ColumnTypeError};
pub use database::{DatabaseName, DatabaseUrlError};
pub use definition::{
    DatabaseEffect, Definition, DefinitionProblem, Effect, FilePlace, Order, RequestEffect,
    RetryRule, StatementEffect,
};
pub use options::{
    HttpSinkOptions, OrderOptions, PostgresSinkOptions, ProjectionOptions, RetryOptions,
    SinkOptions,
};
pub use reader::{Checkpoint, Reader, ReaderMode};
pub use replay_selection::ReplaySelection;
pub use runner::{
    LeftOut, PlannedEvent, ProjectionAccount, ProjectorError, RebuildOutcome, RebuildProgress,
    ReplayError, ReplayOutcome, ReplayPlan, ReplayProgress, ReplayRequest, RunnerOptions,
    abandon_replay, account, known_tails, plan_replay, rebuild, replay, run,
};
pub use sinks::postgres::{Built, LiveLock, RowCache};
pub use start::Start;
pub use statement::{Statement, StatementError, StatementParameter};
pub use table_effect::{
    Column, FoldRule, FoldedColumn, KeyColumn, Operator, RowChange, TableEffect,
};
pub use table_name::TableName;
pub use telemetry::describe_metrics;
