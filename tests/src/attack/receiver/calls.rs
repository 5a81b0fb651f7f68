//! The calls that a receiver has written down, by who made them: the projection itself, or
//! a replay of it.

use std::collections::{BTreeMap, BTreeSet};

use super::notes::{Call, Notes};

/// Calls, in the order in which they came.
pub(super) struct Calls<'n> {
    /// Of the projection.
    pub(super) live: Vec<&'n Call>,
    /// Of replays.
    pub(super) again: Vec<&'n Call>,
}

impl<'n> Calls<'n> {
    /// An event that was `replayed`, by its id, took effect before: what comes of it under
    /// another key than the first is the replay's. Of any other event every call is the
    /// projection's, under whatever key.
    pub(super) fn of(notes: &'n Notes, replayed: &BTreeSet<&str>) -> Self {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        let (live, again) = notes.calls.iter().partition(|call| {
            let first = *first.entry(&call.id).or_insert(&call.key);
            first == call.key || !replayed.contains(call.id.as_str())
        });
        Self { live, again }
    }
}
