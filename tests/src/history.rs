//! What a scenario sent, and what it was told about it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{ORDERS, STOCK};

/// How many subjects there are of each type.
const SUBJECTS: u64 = 40;

/// What became of sending an event, as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet.
    Invoked,
    /// Acknowledged: it must be there, once.
    Ok,
    /// Refused: it must not be there.
    Refused(u16),
    /// 503: the hub cannot say, it may be there, once, or not.
    Unavailable {
        /// Whether the answer says when to come again.
        retry_after: bool,
    },
    /// No answer: it may be there, once, or not.
    Unknown(String),
}

/// An event that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its number, from which everything in it follows.
    pub number: u64,
    /// When it should have been sent; an open loop measures from here.
    pub due: Instant,
    /// How long after that the answer came.
    pub waited: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

impl Sent {
    pub(crate) fn id(&self) -> String {
        id(self.number)
    }
}

/// Everything that one sender sent.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub(crate) sent: BTreeMap<u64, Sent>,
    /// Whether each event was sent after the one before it was acknowledged: their order
    /// is known then.
    pub(crate) one_by_one: bool,
    first: u64,
}

impl History {
    /// One of a sender that waits for each answer.
    #[must_use]
    pub fn one_by_one() -> Self {
        Self {
            one_by_one: true,
            ..Self::default()
        }
    }

    /// The same, whose first event has that number.
    #[must_use]
    pub fn one_by_one_from(number: u64) -> Self {
        Self {
            first: number,
            ..Self::one_by_one()
        }
    }

    /// The number of the next event.
    pub(crate) fn next_number(&self) -> u64 {
        self.sent
            .keys()
            .next_back()
            .map_or(self.first.max(1), |last| last + 1)
    }

    pub(crate) fn invoke(&mut self, number: u64, due: Instant) {
        let sent = Sent {
            number,
            due,
            waited: Duration::ZERO,
            outcome: Outcome::Invoked,
        };
        self.sent.insert(number, sent);
    }

    pub(crate) fn answer(&mut self, number: u64, outcome: Outcome) {
        if let Some(sent) = self.sent.get_mut(&number) {
            sent.waited = sent.due.elapsed();
            sent.outcome = outcome;
        }
    }

    /// Everything that was due within a time.
    pub fn due_between(&self, from: Instant, to: Instant) -> impl Iterator<Item = &Sent> {
        self.sent
            .values()
            .filter(move |sent| sent.due >= from && sent.due < to)
    }

    /// Adds what another sender sent, in whatever order.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.one_by_one = false;
        self.sent.extend(
            other
                .sent
                .iter()
                .map(|(number, sent)| (*number, sent.clone())),
        );
    }

    /// Whether an event of that id was sent.
    pub(crate) fn has(&self, id: &str) -> bool {
        let number = id
            .strip_prefix("event-")
            .and_then(|number| number.parse().ok());
        number.is_some_and(|number: u64| self.sent.contains_key(&number))
    }

    /// How many were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.sent
            .values()
            .filter(|sent| sent.outcome == Outcome::Ok)
            .count()
    }
}

/// The id of an event.
pub(crate) fn id(number: u64) -> String {
    format!("event-{number}")
}

/// The type of an event: every fourth is about stock.
pub(crate) fn event_type(number: u64) -> &'static str {
    if number.is_multiple_of(4) {
        STOCK
    } else {
        ORDERS
    }
}

/// The subject of an event: some of them are not ASCII.
pub(crate) fn subject(number: u64) -> String {
    let which = number / 4 % SUBJECTS;
    if event_type(number) == STOCK {
        format!("item-{which}")
    } else if which.is_multiple_of(5) {
        format!("Größe-{which}-日本")
    } else {
        format!("order-{which}")
    }
}

/// The data of an event. The amount keeps its digits: `3.10` is not `3.1`.
pub(crate) fn data(number: u64) -> String {
    if is_poison(number) {
        return format!(
            "{{\"number\": {number}, \"amount\": 99999999999999.00, \"sku\": \"sku-{}\"}}",
            number % 11
        );
    }
    let cents = number * 7 % 10_000;
    format!(
        "{{\"number\": {number}, \"amount\": {}.{:02}, \"sku\": \"sku-{}\"}}",
        cents / 100,
        cents % 100,
        number % 11
    )
}

/// Events from this number on are poisoned now and then.
pub(crate) const POISONED_FROM: u64 = 5_000_000;

/// Whether no table of a projection has room for the amount of the event, though its
/// schema allows it.
pub(crate) fn is_poison(number: u64) -> bool {
    number >= POISONED_FROM && number % 101 == 7 && event_type(number) == ORDERS
}

/// The schema that all data satisfies.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["number", "amount", "sku"],
        "properties": {
            "number": { "type": "integer" },
            "amount": { "type": "number" },
            "sku": { "type": "string" },
        },
    })
}
