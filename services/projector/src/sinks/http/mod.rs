//! Requests to a receiver: effect first, then parking and owner record in the hub's
//! database.
//!
//! ```text
//!   events ─► outlook ─► window ─┬─► request ─► gate ─► call ─► verdict
//!             (parked?           │     one at a time for each subject
//!              decided?)         └─► record   parked subjects and events, owner record:
//!                                             one transaction, compare-and-set
//! ```
//!
//! A call whose record was not committed, because the process died or lost its partition,
//! is made again under the same idempotency key: one effect, for as long as the receiver
//! keeps keys.

mod drain;
mod gate;
mod key;
mod receiver;
mod record;
mod verdict;
mod window;

pub(crate) use receiver::{Letter, Persistence, Receiver};
pub(crate) use record::{Outlook, Recorded};
pub(crate) use verdict::Verdict;
pub(crate) use window::{Entry, State, Window};
