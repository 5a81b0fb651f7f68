//! What is going to happen, all of it from one seed.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::orders::OrderEvent;

/// Connections of the shop that send batches, and how many events a batch has.
const BATCHING: usize = 3;
const BATCH: usize = 50;
/// Connections that send one event a request. There are more of them: each waits for its
/// commit, and what waits at the same time shares one.
const SINGLE: usize = 24;
/// How many events a connection lets pass, at the most, before it cancels an order.
const LATEST_CANCELLATION: usize = 40;
/// How many customers forget their postal code.
const FORGETFUL: usize = 5;
/// Of how many orders one is of a customer whom no message reaches.
const UNREACHABLE: usize = 500;
/// How many there are at the least: one is skipped, others are tried again.
const UNREACHABLE_AT_LEAST: usize = 4;
/// What a postal code turns out to be, when somebody asks.
const POSTAL_CODE: &str = "1070";

/// One request of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Events that were not sent before.
    New(Vec<Arc<OrderEvent>>),
    /// Events that were acknowledged before: a sender that forgot it.
    Again(Vec<Arc<OrderEvent>>),
    /// An event that was acknowledged before, with other content: a sender that is wrong.
    Altered(Arc<OrderEvent>),
}

/// What is going to happen.
#[derive(Debug)]
pub(crate) struct Plan {
    seed: u64,
    /// How many orders are placed.
    pub(crate) orders: u64,
    /// What each connection of the shop sends.
    pub(crate) connections: Vec<Vec<Step>>,
    /// Orders without a postal code, and what they should have been.
    pub(crate) mended: HashMap<String, OrderEvent>,
    /// Orders of customers whom no message reaches.
    pub(crate) unreachable: BTreeSet<String>,
}

impl Plan {
    /// Plans so many orders.
    pub(crate) fn new(orders: u32, seed: u64) -> Self {
        let total = usize::try_from(orders).unwrap_or(usize::MAX);
        let mut plan = Self {
            seed,
            orders: orders.into(),
            connections: Vec::new(),
            mended: HashMap::new(),
            unreachable: BTreeSet::new(),
        };
        let in_batches = total * 2 / 3;
        let mut before = 0;
        for number in 0..BATCHING + SINGLE {
            let (count, batch) = if number < BATCHING {
                (share(in_batches, BATCHING, number), BATCH)
            } else {
                let alone = total - in_batches;
                (share(alone, SINGLE, number - BATCHING), 1)
            };
            let mut random = StdRng::seed_from_u64(plan.hash(&number));
            let events = plan.events(number, before..before + count, total, &mut random);
            plan.connections.push(steps(&events, batch, &mut random));
            before += count;
        }
        plan
    }

    /// Whether it happens to somebody what happens to one in so many.
    pub(crate) fn happens(&self, what: &str, whom: &str, one_in: u64) -> bool {
        self.hash(&(what, whom)).is_multiple_of(one_in)
    }

    fn hash(&self, what: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, what).hash(&mut hasher);
        hasher.finish()
    }

    /// The events of a connection. An order comes before its cancellation.
    fn events(
        &mut self,
        connection: usize,
        orders: std::ops::Range<usize>,
        total: usize,
        random: &mut StdRng,
    ) -> Vec<Arc<OrderEvent>> {
        let mut events = Vec::with_capacity(orders.len());
        let mut to_cancel: VecDeque<(usize, OrderEvent)> = VecDeque::new();
        for ordinal in orders {
            while let Some((due, _)) = to_cancel.front()
                && *due <= events.len()
                && let Some((_, cancellation)) = to_cancel.pop_front()
            {
                events.push(Arc::new(cancellation));
            }
            let order = self.order(connection, ordinal, total, random);
            if random.random_ratio(1, 9) {
                let due = events.len() + random.random_range(1..=LATEST_CANCELLATION);
                to_cancel.push_back((due, order.taken_back()));
            }
            events.push(Arc::new(order));
        }
        events.extend(to_cancel.into_iter().map(|(_, event)| Arc::new(event)));
        events
    }

    fn order(
        &mut self,
        connection: usize,
        ordinal: usize,
        total: usize,
        random: &mut StdRng,
    ) -> OrderEvent {
        let number = format!("order-{connection}-{ordinal:06}");
        let every = |count: usize| (total / count.max(1)).max(1);
        if ordinal % every(UNREACHABLE_AT_LEAST.max(total / UNREACHABLE)) == 1 {
            self.unreachable.insert(number.clone());
        }
        if ordinal % every(FORGETFUL) == 2 {
            let order = OrderEvent::placed(&number, "", random);
            self.mended.insert(number, order.at(POSTAL_CODE));
            return order;
        }
        OrderEvent::placed(&number, &format!("{}", 1000 + ordinal % 900), random)
    }
}

fn share(all: usize, parts: usize, number: usize) -> usize {
    all / parts + usize::from(number < all % parts)
}

/// The steps in which events are sent, `batch` in a request, some of them again.
fn steps(events: &[Arc<OrderEvent>], batch: usize, random: &mut StdRng) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut sent: Vec<Vec<Arc<OrderEvent>>> = Vec::new();
    for request in events.chunks(batch.max(1)) {
        steps.push(Step::New(request.to_vec()));
        sent.push(request.to_vec());
        if random.random_ratio(1, 20)
            && let Some(before) = sent.choose(random)
        {
            steps.push(Step::Again(before.clone()));
        }
        if batch == 1
            && random.random_ratio(1, 200)
            && let Some([event]) = sent.choose(random).map(Vec::as_slice)
        {
            steps.push(Step::Altered(Arc::clone(event)));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{FORGETFUL, Plan, Step, UNREACHABLE_AT_LEAST};
    use crate::orders::OrderKind;

    #[test]
    fn each_event_is_new_once_and_an_order_comes_before_what_takes_it_back() {
        let plan = Plan::new(1_000, 7);
        let mut orders = HashSet::new();
        let mut ids = HashSet::new();
        let steps: Vec<&Step> = plan.connections.iter().flatten().collect();
        for step in &steps {
            let Step::New(events) = step else { continue };
            for event in events {
                assert!(ids.insert(event.id.clone()), "{} is new twice", event.id);
                match event.kind {
                    OrderKind::Placed => assert!(orders.insert(event.order.clone())),
                    OrderKind::Cancelled => assert!(orders.contains(&event.order)),
                }
            }
        }
        assert_eq!(orders.len(), 1_000);
        assert!(ids.len() > 1_000, "nothing is cancelled");
        assert!(steps.iter().any(|step| matches!(step, Step::Again(_))));
        assert!(plan.mended.len() >= FORGETFUL && plan.unreachable.len() >= UNREACHABLE_AT_LEAST);
        assert!(plan.mended.keys().all(|order| orders.contains(order)));
    }

    #[test]
    fn the_same_seed_is_the_same_plan() {
        assert_eq!(Plan::new(300, 5).connections, Plan::new(300, 5).connections);
        assert_ne!(Plan::new(300, 5).connections, Plan::new(300, 6).connections);
    }
}
