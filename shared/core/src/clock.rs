//! Where "now" comes from.

use chrono::{DateTime, Utc};

/// A source of wall-clock time. Code that decides by time takes one, so that a
/// test can put the hands where it needs them.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
