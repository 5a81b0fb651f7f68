//! Not calling a receiver that is down.

mod window;

use std::sync::{Arc, Weak};
use std::time::Duration;

use dragoman_core::Backoff;
use tokio::time::Instant;

use self::window::Window;

/// How long a breaker stays open, the first time and at the most.
const PAUSE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));

/// When to ask again while somebody's probe is under way: how long it takes is not known.
const PROBE_UNDER_WAY: Duration = Duration::from_millis(100);

/// Stops the calls to a receiver that fails, and finds out with one call at a time when it
/// is back.
///
/// It opens when at least half of the last 20 calls failed (of five, while there are fewer
/// than 20), or five in a row. Open, it lets nothing through for a pause that doubles from
/// one second to ten, shortened at random by up to a half. Then one call is the probe:
/// it closes the breaker and all is forgotten, or it opens the breaker again.
///
/// A state machine without a clock: every question brings the time. What counts as a
/// failure is for the caller to say; it had better be what tells of the receiver as a whole
/// and not of one request.
#[derive(Debug, Default)]
pub struct Breaker {
    phase: Phase,
    /// Counts the changes of the phase: an outcome of a call that was let through before
    /// the last one says nothing of now.
    epoch: u64,
    /// How often it opened since it was last closed.
    openings: u32,
}

#[derive(Debug)]
enum Phase {
    Closed(Window),
    Open { until: Instant },
    HalfOpen { probe: Weak<()> },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed(Window::default())
    }
}

/// What a breaker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets every call through.
    Closed,
    /// It lets none through before that moment.
    Open {
        /// When the next call may be the probe.
        until: Instant,
    },
    /// It has let one call through, the probe, or waits for one to ask.
    HalfOpen,
}

/// Whether a call may be made.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// Make it, and report how it went.
    Go(Permit),
    /// Make it, and report how it went: everything hangs on it.
    Probe(Permit),
    /// Ask again after so long, and not before.
    Wait(Duration),
}

/// The right to one call, and the duty to report how it went. Dropped without a report, as
/// when the call is cancelled, it counts for nothing; if it was the probe, the next who asks
/// becomes it.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    epoch: u64,
    /// What the breaker looks at to see whether the probe is still under way.
    held: Arc<()>,
}

impl Breaker {
    /// One that is closed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the right to a call.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match &self.phase {
            Phase::Closed(_) => Admission::Go(self.permit()),
            Phase::Open { until } if now < *until => Admission::Wait(*until - now),
            Phase::HalfOpen { probe } if probe.strong_count() > 0 => {
                Admission::Wait(PROBE_UNDER_WAY)
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => {
                self.epoch += 1;
                let permit = self.permit();
                self.phase = Phase::HalfOpen {
                    probe: Arc::downgrade(&permit.held),
                };
                Admission::Probe(permit)
            }
        }
    }

    /// The call went well.
    pub fn succeeded(&mut self, permit: Permit) {
        if permit.epoch != self.epoch {
            return;
        }
        match &mut self.phase {
            Phase::Closed(window) => window.add(false),
            Phase::HalfOpen { .. } => {
                self.epoch += 1;
                self.openings = 0;
                self.phase = Phase::default();
            }
            Phase::Open { .. } => {}
        }
    }

    /// The call failed. `random`, in 0..1, chooses how much the pause is shortened, so that
    /// hubs which lost the same receiver do not come back to it together.
    pub fn failed(&mut self, permit: Permit, now: Instant, random: f64) {
        if permit.epoch != self.epoch {
            return;
        }
        let is_down = match &mut self.phase {
            Phase::Closed(window) => {
                window.add(true);
                window.is_down()
            }
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } => false,
        };
        if is_down {
            self.epoch += 1;
            self.openings = self.openings.saturating_add(1);
            self.phase = Phase::Open {
                until: now + PAUSE.wait(self.openings, random),
            };
        }
    }

    /// What it is doing, for an operator to see.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match &self.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { until } => BreakerState::Open { until: *until },
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn permit(&self) -> Permit {
        Permit {
            epoch: self.epoch,
            held: Arc::new(()),
        }
    }
}

#[cfg(test)]
mod tests;
