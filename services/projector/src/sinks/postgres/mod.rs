//! Tables in Postgres: effect, parking and owner record in one transaction of the
//! target's database.
//!
//! Everything that is kept beside the tables stands in the schema
//! `dragoman_projection` of the target: generations, checkpoints (append-only, newest
//! counts), parked subjects and events, stops, decisions. The target may be the hub's
//! own database or any other.
//!
//! ```text
//!   events ─► evaluate ─► plan ─┬─► gather ─► upsert    rows of the table
//!             (programs,        ├─► parking             parked subjects and events
//!              in memory)       ├─► stops               of a total order
//!                               └─► checkpoints         compare-and-set
//! ```
//!
//! Every transaction of an apply begins by sharing the row of its generation: a swap
//! takes that row for itself, waits for those under way, and those that come after it
//! find that their generation is not live any more.
//!
//! Rows are locked in one order everywhere: the generation, the reader, parked subjects
//! by topic and subject, rows of the table by key. Only events that are tried apart,
//! because the database refused one of them, lock rows as they come; Postgres ends a
//! deadlock that comes of it, and the step is tried again.

mod apply;
mod bookkeeping;
mod checkpoints;
mod column_type;
mod counts;
mod decisions;
mod drain;
mod error;
mod evaluate;
mod gather;
mod generation;
mod grants;
mod names;
mod obstacles;
mod open;
mod operator;
mod outcome;
mod parked;
mod parking;
mod plan;
mod queue;
mod rebuild;
mod session;
mod standing;
mod stops;
mod swap;
mod table;
mod upsert;
mod value;
mod write;

pub use apply::{Applied, Step};
pub use counts::TargetCounts;
pub use decisions::Decision;
pub use drain::Drained;
pub use error::{ApplyError, OpenError, TargetError};
pub use generation::{Generation, GenerationState};
pub use open::Opened;
pub use parked::{ParkedEvent, ParkedState, ParkedSubject};
pub use rebuild::Built;
pub use session::Target;
pub use stops::Stop;
pub use swap::LiveLock;
