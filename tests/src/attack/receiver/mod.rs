//! A receiver of requests that keeps its own account of them: what came under which key,
//! and what it did. It has moods; the judges ask it, and never the hub.
//!
//! ```text
//!   courier ──► token endpoint ──► a token of two seconds
//!      │                              │ good still?
//!      └─────► desk ◄─────────────────┘
//!               ├─ conduct: what the mood lets it do with this call
//!               └─ notes:   keys, effects, calls, what it asked for
//! ```

mod calls;
mod conduct;
mod courier;
mod delivered;
mod desk;
mod held;
mod judge;
mod message;
mod mood;
mod notes;
mod outage;
mod outage_of_tokens;
mod replayed;
mod replays;
mod server;
mod tokens;
mod tries;
mod verdict;

pub(super) use courier::{COURIER, PROGRAM, PROGRAM_FILE, courier};
pub use mood::Mood;
pub(super) use replayed::Replayed;
pub(super) use server::Receiver;
