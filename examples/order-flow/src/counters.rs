//! What the world has done so far, for whoever watches, or waits for his turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Counts that only grow. Repeats are not counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Orders that the hub has acknowledged.
    pub(crate) orders: Counter,
    /// Receipts that the warehouse has committed.
    pub(crate) receipts: Counter,
    /// Charges of the payment gateway.
    pub(crate) charges: Counter,
    /// Orders that the ERP has released.
    pub(crate) releases: Counter,
    /// Orders that the CRM knows.
    pub(crate) known: Counter,
    /// Messages that customers got.
    pub(crate) messages: Counter,
    /// Dispatches that the fulfilment team has read.
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

    /// Waits until it is there. That it gets nowhere is for whoever watches to say.
    pub(crate) async fn reach(&self, wanted: u64) {
        while self.get() < wanted {
            sleep(PAUSE).await;
        }
    }
}
