//! What was replayed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Fact;

/// A replay that came to its end: of every order from one position to another.
#[derive(Debug, Clone, Copy)]
pub(in crate::attack) struct Replayed {
    pub(super) from: i64,
    pub(super) to: i64,
    /// How long its processes lived, together.
    pub(super) took: Duration,
}

impl Replayed {
    fn selects(&self, order: &Fact) -> bool {
        (self.from..=self.to).contains(&order.position)
    }
}

/// The orders among those that were replayed.
pub(super) fn replayed_among<'l>(orders: &[&'l Fact], replayed: &[Replayed]) -> Vec<&'l Fact> {
    let is_replayed = |order: &&&Fact| replayed.iter().any(|replay| replay.selects(order));
    orders.iter().filter(is_replayed).copied().collect()
}

/// Their ids.
pub(super) fn ids<'l>(orders: &[&'l Fact]) -> BTreeSet<&'l str> {
    orders.iter().map(|order| order.id.as_str()).collect()
}
