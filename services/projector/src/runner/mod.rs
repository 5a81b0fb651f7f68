//! Bringing a projection its events, rebuilding it, and adding up its account.
//!
//! ```text
//!   run ── opens the projection, then one session after the other
//!    └─ session ── ends when paused, superseded, stopped or halted
//!        ├─ watch          once a second: paused? head, marks, lineage
//!        ├─ follow_kafka   keeps a lane for each partition that the group gives
//!        │    └─ lane      begins by the log; records → window → step; gaps, lost tails filled from it
//!        └─ follow_ledger  under a lease: read, compare, step
//! ```
//!
//! Each reader keeps a [`cursor`]: what its owner record says, and what was taken in
//! since. A step moves the owner record by compare-and-set; whoever finds it elsewhere
//! reads it again and goes on from there. Filling from the log is always safe: what is
//! sealed has its position for good, and a record that comes later is a repeat.

mod account;
mod alone;
mod answer_limit;
mod apply;
mod attempts;
mod beginning;
mod building;
mod cursor;
mod drain;
mod error;
mod fill;
mod floor;
mod follow_kafka;
mod follow_ledger;
mod halt;
mod lane;
mod lineage;
mod lost;
mod open;
mod options;
mod patience;
mod read_ahead;
mod rebuild;
mod replay;
mod run;
mod sending;
mod session;
mod silence;
mod tail;
mod watch;

pub use account::{ProjectionAccount, account};
pub use error::ProjectorError;
pub use lineage::known_tails;
pub use options::RunnerOptions;
pub use rebuild::{RebuildOutcome, RebuildProgress, rebuild};
pub use replay::{
    LeftOut, PlannedEvent, ReplayError, ReplayOutcome, ReplayPlan, ReplayProgress, ReplayRequest,
    abandon_replay, plan_replay, replay,
};
pub use run::run;
