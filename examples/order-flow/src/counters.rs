//! What the world has done so far, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts that only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Orders and cancellations that the hub has acknowledged, without repeats.
    pub(crate) orders: Counter,
    /// Receipts that the warehouse has committed.
    pub(crate) receipts: Counter,
    /// Deliveries of the source host that were answered, whatever the answer.
    pub(crate) deliveries: Counter,
    /// Orders and cancellations that the other team has read.
    pub(crate) read: Counter,
}

/// A count that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0
            .fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
