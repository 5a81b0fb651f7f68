//! What a projection keeps beside its effects: generations, owner records, parked
//! subjects, stops, decisions, in the schema `dragoman_projection` of the database of the
//! effect. For effects outside of any database that is the hub's own.
//!
//! Every transaction of a step begins by sharing the row of its generation: a swap takes
//! that row for itself, waits for those under way, and those that come after it find that
//! their generation is not live any more.
//!
//! Rows are locked in one order everywhere: the generation, the reader, parked subjects
//! by topic and subject.

pub(crate) mod checkpoints;
pub(crate) mod counts;
pub(crate) mod decisions;
pub(crate) mod error;
pub(crate) mod followed;
pub(crate) mod generation;
pub(crate) mod looked;
pub(crate) mod open;
pub(crate) mod operator;
pub(crate) mod parked;
pub(crate) mod parked_among;
pub(crate) mod parking;
pub(crate) mod passed;
pub(crate) mod place;
pub(crate) mod queue;
pub(crate) mod reason;
pub(crate) mod replaying;
pub(crate) mod replays;
mod schema;
pub(crate) mod standing;
pub(crate) mod step;
pub(crate) mod stops;
pub(crate) mod target;

pub use counts::TargetCounts;
pub use decisions::{Decision, Verdict};
pub use error::{ApplyError, OpenError, TargetError};
pub use generation::{Generation, GenerationState};
pub use open::Opened;
pub use parked::{ParkedEvent, ParkedState, ParkedSubject};
pub use replays::{Replay, ReplayRefusal};
pub use step::{Applied, Drained, Step};
pub use stops::Stop;
pub use target::Target;
