//! What a receiver writes down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A call as it came.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) at: Instant,
    pub(super) key: String,
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) did: Did,
}

/// What it did about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// What was asked for.
    Act,
    /// Nothing, because it had done that under the same key.
    Know,
    /// Nothing.
    Nothing,
    /// Nothing, because who called did not show a good token.
    TurnAway,
}

/// A pause that it asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttling {
    pub(super) from: Instant,
    pub(super) pause: Duration,
}

/// Everything that it knows of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    pub(super) calls: Vec<Call>,
    pub(super) throttlings: Vec<Throttling>,
    /// How many calls did not get what they came for.
    pub(super) troubles: usize,
    keys: BTreeSet<String>,
    attempts: BTreeMap<String, u32>,
}

impl Notes {
    /// How often an event has been brought, with this time.
    pub(super) fn attempt(&mut self, id: &str) -> u32 {
        let attempts = self.attempts.entry(id.to_owned()).or_default();
        *attempts += 1;
        *attempts
    }

    /// Acts once under a key.
    pub(super) fn act(&mut self, key: &str) -> Did {
        if self.keys.insert(key.to_owned()) {
            Did::Act
        } else {
            Did::Know
        }
    }

    /// What took effect, in order.
    pub(super) fn effects(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.did == Did::Act)
    }

    /// Whether it has asked for so many pauses, and the last is over.
    pub(super) fn has_paused(&self, times: usize) -> bool {
        let over = |last: &Throttling| last.from.elapsed() > last.pause;
        self.throttlings.len() >= times && self.throttlings.last().is_some_and(over)
    }

    /// How many calls came since a moment.
    pub(super) fn calls_since(&self, moment: Instant) -> usize {
        self.calls.iter().filter(|call| call.at >= moment).count()
    }

    /// How many were turned away.
    pub(super) fn turned_away(&self) -> usize {
        let turned_away = |call: &&Call| call.did == Did::TurnAway;
        self.calls.iter().filter(turned_away).count()
    }
}
