//! Orders and cancellations, and in which steps one connection of the shop sends them.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::goods::GOODS;

/// How many events a connection lets pass, at the most, before it cancels an order.
const LATEST_CANCELLATION: usize = 40;

/// Something that the shop has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderEvent {
    pub(crate) id: String,
    pub(crate) kind: OrderKind,
    /// The number of the order, the subject of its events.
    pub(crate) order: String,
    pub(crate) lines: Vec<OrderLine>,
    /// JSON, as it is sent.
    pub(crate) data: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderKind {
    Placed,
    Cancelled,
}

/// A line of an order; of a cancellation with both numbers negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderLine {
    pub(crate) sku: &'static str,
    pub(crate) quantity: i64,
    pub(crate) cents: i64,
}

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

impl OrderKind {
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Placed => "order.placed",
            Self::Cancelled => "order.cancelled",
        }
    }
}

impl OrderEvent {
    fn new(kind: OrderKind, order: &str, customer: u32, lines: Vec<OrderLine>) -> Self {
        let suffix = match kind {
            OrderKind::Placed => "placed",
            OrderKind::Cancelled => "cancelled",
        };
        let written: Vec<String> = lines.iter().map(OrderLine::as_json).collect();
        Self {
            id: format!("{order}-{suffix}"),
            kind,
            order: order.to_owned(),
            data: format!(
                r#"{{"customer":"customer-{customer}","lines":[{}]}}"#,
                written.join(",")
            ),
            lines,
        }
    }
}

impl OrderLine {
    fn as_json(&self) -> String {
        format!(
            r#"{{"sku":"{}","quantity":{},"amount":{}}}"#,
            self.sku,
            self.quantity,
            money(self.cents)
        )
    }

    fn taken_back(&self) -> Self {
        Self {
            sku: self.sku,
            quantity: -self.quantity,
            cents: -self.cents,
        }
    }
}

/// Cents as euros, with both digits after the point.
pub(crate) fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// The steps of one connection: `count` events in all, `batch` in a request, some of
/// them again. An order comes before its cancellation, and both go through the same connection.
pub(crate) fn script(
    connection: usize,
    count: usize,
    batch: usize,
    random: &mut StdRng,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut sent: Vec<Vec<Arc<OrderEvent>>> = Vec::new();
    for request in events(connection, count, random).chunks(batch.max(1)) {
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

fn events(connection: usize, count: usize, random: &mut StdRng) -> Vec<Arc<OrderEvent>> {
    let mut events = Vec::with_capacity(count);
    let mut to_cancel: VecDeque<(usize, OrderEvent)> = VecDeque::new();
    while events.len() + to_cancel.len() < count {
        if let Some((due, _)) = to_cancel.front()
            && *due <= events.len()
            && let Some((_, cancellation)) = to_cancel.pop_front()
        {
            events.push(Arc::new(cancellation));
            continue;
        }
        let order = format!("order-{connection}-{:06}", events.len());
        let customer = random.random_range(1..=5_000);
        let lines = lines(random);
        let room = count - events.len() - to_cancel.len();
        if room > 1 && random.random_ratio(1, 9) {
            let due = events.len() + random.random_range(1..=LATEST_CANCELLATION);
            let credit = lines.iter().map(OrderLine::taken_back).collect();
            let cancellation = OrderEvent::new(OrderKind::Cancelled, &order, customer, credit);
            to_cancel.push_back((due, cancellation));
        }
        events.push(Arc::new(OrderEvent::new(
            OrderKind::Placed,
            &order,
            customer,
            lines,
        )));
    }
    events.extend(to_cancel.into_iter().map(|(_, event)| Arc::new(event)));
    events
}

fn lines(random: &mut StdRng) -> Vec<OrderLine> {
    let mut goods = GOODS;
    let (some, _) = goods.partial_shuffle(random, 3);
    let count = random.random_range(1..=some.len());
    some.iter()
        .take(count)
        .map(|article| {
            let quantity = random.random_range(1..=4);
            OrderLine {
                sku: article.sku,
                quantity,
                cents: article.cents * quantity,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{OrderKind, Step, money, script};

    #[test]
    fn money_has_two_digits_after_the_point() {
        let cases = [
            (0, "0.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (123_456, "1234.56"),
            (-100, "-1.00"),
        ];
        for (cents, text) in cases {
            assert_eq!(money(cents), text);
        }
    }

    #[test]
    fn a_script_sends_each_event_once_as_new_and_orders_before_their_cancellation() {
        for batch in [1, 50] {
            let steps = script(3, 1_000, batch, &mut StdRng::seed_from_u64(7));
            let mut orders = HashSet::new();
            let mut ids = HashSet::new();
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
            assert_eq!(ids.len(), 1_000);
            assert!(orders.len() < 1_000, "nothing is cancelled");
            assert!(steps.iter().any(|step| matches!(step, Step::Again(_))));
        }
    }
}
