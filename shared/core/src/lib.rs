//! What an event is: the vocabulary that every other crate of Dragoman speaks.
//!
//! Everything here is pure: no I/O, no runtime, no database, no broker. Time
//! enters through [`Clock`], so that whoever needs "now" says so in its signature.

mod backoff;
mod chain;
mod clock;
mod event;
mod partition;
mod position;
mod type_pattern;

pub use backoff::Backoff;
pub use chain::chain;
pub use clock::{Clock, SystemClock};
pub use event::{Event, EventError, JSON, MAX_NAME_BYTES, RecordedEvent};
pub use partition::{partition_for, subject_hash};
pub use position::{Identity, Position};
pub use type_pattern::{TypePattern, TypePatternError};
