//! What all calls to one receiver go through: how many at once, how often, and whether the
//! receiver is there at all.
//!
//! ```text
//!   a call ─► a slot ─► the rate ─► paused? held? breaker? ─► Pass ─► how it went
//! ```
//!
//! A receiver that is down as a whole is the projection's trouble and no event's: calls
//! wait here, one goes ahead now and then, and nothing is parked for it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use dragoman_core::Backoff;
use dragoman_outbound::{Admission, Breaker, BreakerState, Permit, RateLimit};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep};

use super::verdict::{Again, Hold};
use crate::RequestEffect;

/// How long a projection holds that was refused as a whole, before it tries one call.
const HOLD: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// When to look again while somebody else tries.
const LOOK: Duration = Duration::from_millis(100);

/// The way to one receiver, shared by everything in this process that calls it.
#[derive(Debug)]
pub(super) struct Gate {
    slots: Semaphore,
    rate: Option<RateLimit>,
    state: Mutex<State>,
    /// When the latest call began of those that the receiver answered well.
    well: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    last_failure: String,
    paused_until: Option<Instant>,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    hold: Hold,
    times: u32,
    until: Instant,
    trying: Weak<()>,
}

/// The right to one call, and the duty to say how it went. Dropped, it says nothing.
#[derive(Debug)]
pub(super) struct Pass<'g> {
    gate: &'g Gate,
    permit: Permit,
    begun: Instant,
    _slot: SemaphorePermit<'g>,
    _trying: Arc<()>,
}

/// Why no call goes through, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standstill {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) remedy: &'static str,
}

impl Gate {
    pub(super) fn new(effect: &RequestEffect) -> Self {
        Self {
            slots: Semaphore::new(effect.concurrency),
            rate: effect.rate.map(RateLimit::new),
            state: Mutex::default(),
            well: watch::Sender::new(None),
        }
    }

    /// Waits until a call may be made.
    ///
    /// # Errors
    /// Never: the slots are not closed as long as this is there.
    pub(super) async fn pass(&self) -> Result<Pass<'_>, AcquireError> {
        let slot = self.slots.acquire().await?;
        if let Some(rate) = &self.rate {
            rate.ready().await;
        }
        loop {
            match self.admit(Instant::now()) {
                Ok((permit, trying)) => {
                    return Ok(Pass {
                        gate: self,
                        permit,
                        begun: Instant::now(),
                        _slot: slot,
                        _trying: trying,
                    });
                }
                Err(wait) => sleep(wait).await,
            }
        }
    }

    fn admit(&self, now: Instant) -> Result<(Permit, Arc<()>), Duration> {
        let mut state = self.state();
        if let Some(until) = state.paused_until {
            if now < until {
                return Err(until - now);
            }
            state.paused_until = None;
        }
        let trying = Arc::new(());
        if let Some(held) = &mut state.held {
            if now < held.until {
                return Err(held.until - now);
            }
            if held.trying.strong_count() > 0 {
                return Err(LOOK);
            }
            held.trying = Arc::downgrade(&trying);
        }
        match state.breaker.admit(now) {
            Admission::Go(permit) | Admission::Probe(permit) => Ok((permit, trying)),
            Admission::Wait(wait) => Err(wait),
        }
    }

    /// Waits until the receiver has answered a call well that began after this moment:
    /// then what failed before was not the receiver's trouble.
    pub(super) async fn well_since(&self, moment: Instant) {
        let mut well = self.well.subscribe();
        let later = |begun: &Option<Instant>| begun.is_some_and(|begun| begun > moment);
        if well.wait_for(later).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Why no call goes through; `None` when they do.
    pub(super) fn standstill(&self) -> Option<Standstill> {
        let state = self.state();
        if let Some(held) = &state.held {
            return Some(Standstill {
                code: held.hold.code,
                message: held.hold.reason.clone(),
                remedy: held.hold.remedy,
            });
        }
        match state.breaker.state() {
            BreakerState::Closed => None,
            BreakerState::Open { .. } | BreakerState::HalfOpen => Some(Standstill {
                code: "receiver_down",
                message: format!("the receiver fails; the last time: {}", state.last_failure),
                remedy: "One call at a time finds out when it is back, every ten seconds at the latest; every event is kept, and goes on in order.",
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The receiver is there: it did what it was asked to, or refused this one.
    pub(super) fn well(self) {
        let mut state = self.gate.state();
        state.held = None;
        state.breaker.succeeded(self.permit);
        drop(state);
        let begun = self.begun;
        self.gate.well.send_if_modified(|latest| {
            let later = latest.is_none_or(|latest| begun > latest);
            if later {
                *latest = Some(begun);
            }
            later
        });
    }

    /// The receiver did not do it, now. `pause`: everybody is to wait for as long as it
    /// asked for.
    pub(super) fn again(self, again: &Again, pause: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.gate.state();
        if let Some(pause) = pause {
            let until = now + pause;
            state.paused_until = Some(state.paused_until.map_or(until, |old| old.max(until)));
        }
        if again.throttled {
            state.held = None;
            return;
        }
        state.last_failure.clone_from(&again.reason);
        state.breaker.failed(self.permit, now, rand::random());
    }

    /// Nobody can call, or nobody is let in.
    pub(super) fn hold(self, hold: Hold) {
        let now = Instant::now();
        let mut state = self.gate.state();
        let times = state.held.as_ref().map_or(0, |held| held.times) + 1;
        state.held = Some(Held {
            hold,
            times,
            until: now + HOLD.wait(times, rand::random()),
            trying: Weak::new(),
        });
    }
}
