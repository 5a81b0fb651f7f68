//! Tables and statements in Postgres: effect, parking and owner record in one transaction
//! of the target's database.
//!
//! The target may be the hub's own database or any other; what is kept beside the tables
//! is [`crate::bookkeeping`]'s.
//!
//! ```text
//!   events ─► evaluate ─► plan ─┬─► gather ─► upsert    columns kept by operators
//!             (programs,        ├─► read ─► fold ─► upsert, delete
//!              in memory)       ├─► statements          tables of somebody else's
//!                               ├─► parking             parked subjects and events
//!                               ├─► stops               of a total order
//!                               └─► checkpoints         compare-and-set
//! ```
//!
//! Rows of the table are locked by key, after everything of the bookkeeping. Only rows of
//! a fold that are known from before, events that are tried apart, because the database
//! refused one of them, and statements lock rows as they come; Postgres ends a deadlock
//! that comes of it, and the step is tried again.

mod apply;
mod arrays;
mod careful;
mod column_type;
mod destination;
mod drain;
mod evaluate;
mod folding;
mod gather;
mod grants;
mod obstacles;
mod outcome;
mod plan;
mod rebuild;
mod replay;
mod statements;
mod swap;
pub(crate) mod table;
mod upsert;
mod value;
mod write;

pub use folding::RowCache;
pub use rebuild::Built;
pub(crate) use replay::ReplayStep;
pub use swap::LiveLock;
