//! Counting what was sent back. In memory first: a flood of bad requests must not
//! become a flood of rows. What a killed process had not written is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use dragoman_store::{AdapterCounts, Store};

use crate::error::chain;
use crate::telemetry;

/// Refusals that are not written yet, by adapter.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<Arc<str>, i64>>);

impl Refusals {
    /// Counts events (or one request that never got to be events) as refused.
    pub(crate) fn add(&self, adapter: &Arc<str>, events: usize, reason: &'static str) {
        telemetry::refused(adapter, events, reason);
        self.put(adapter, i64::try_from(events).unwrap_or(i64::MAX));
    }

    fn put(&self, adapter: &Arc<str>, events: i64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(Arc::clone(adapter)).or_default() += events;
    }

    /// Writes what was counted since the last time. What cannot be written now is
    /// kept for the next time.
    pub(crate) async fn flush_step(&self, store: &Store) {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (adapter, refused) in taken {
            let counts = AdapterCounts {
                received: refused,
                refused,
                ..AdapterCounts::default()
            };
            if let Err(error) = store.count(&adapter, counts).await {
                tracing::debug!(error = %chain(&error), "refusals are counted later");
                self.put(&adapter, refused);
            }
        }
    }
}
