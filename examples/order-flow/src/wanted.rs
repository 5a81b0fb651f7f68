//! What every system should have in the end, by what the world was acknowledged and by
//! rules of our own.

use std::collections::HashSet;
use std::sync::Arc;

use crate::books::Books;
use crate::order_states::OrderStates;
use crate::orders::{OrderEvent, OrderKind, money};
use crate::outside::known_as;
use crate::plan::Plan;
use crate::shop::ShopTally;
use crate::warehouse::WarehouseTally;

/// What happened in the world.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) shop: ShopTally,
    pub(crate) warehouse: WarehouseTally,
    /// How often a stranger was refused.
    pub(crate) forged: u64,
}

/// What follows from it. Things are as the receivers call them, see `Deeds`.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) charges: HashSet<String>,
    pub(crate) cents: i64,
    pub(crate) releases: HashSet<String>,
    pub(crate) known: HashSet<String>,
    pub(crate) messages: HashSet<String>,
    pub(crate) books: Books,
    pub(crate) states: OrderStates,
    placed: u64,
    cancelled: u64,
    receipts: u64,
}

impl Wanted {
    pub(crate) fn of(happened: &Happened, plan: &Plan) -> Self {
        let events = &happened.shop.acknowledged;
        let placed: Vec<&Arc<OrderEvent>> = events
            .iter()
            .filter(|event| event.kind == OrderKind::Placed)
            .collect();
        let things = |what: fn(&OrderEvent) -> String| -> HashSet<String> {
            placed.iter().map(|event| what(event)).collect()
        };
        let messages = |message: &'static str| {
            placed
                .iter()
                .map(move |event| format!("{} {message}", event.order))
        };
        Self {
            charges: things(|event| format!("{} {}", event.order, money(event.cents))),
            cents: placed.iter().map(|event| event.cents).sum(),
            releases: things(|event| event.order.clone()),
            known: placed
                .iter()
                .map(|event| known(plan.mended.get(&event.order).unwrap_or(event)))
                .collect(),
            messages: messages("paid").chain(messages("dispatched")).collect(),
            books: Books::fold(events, &happened.warehouse.committed),
            states: OrderStates::fold(events),
            placed: size(placed.len()),
            cancelled: size(events.len() - placed.len()),
            receipts: size(happened.warehouse.committed.len()),
        }
    }

    /// How many events are for a projection.
    pub(crate) fn events(&self, projection: &str) -> u64 {
        let orders = self.placed + self.cancelled;
        match projection {
            "payments" | "erp" | "crm" => self.placed,
            "notification" => 2 * self.placed,
            "stock" => orders + self.receipts,
            "sales" => orders,
            "order_state" => orders + 2 * self.placed,
            _ => 0,
        }
    }

    /// How many events there are: each order is also paid and dispatched.
    pub(crate) fn everything(&self) -> u64 {
        3 * self.placed + self.cancelled + self.receipts
    }

    /// How many orders were placed, paid, dispatched.
    pub(crate) fn placed(&self) -> u64 {
        self.placed
    }

    /// How many events the shop has told.
    pub(crate) fn told(&self) -> u64 {
        self.placed + self.cancelled
    }

    /// How many receipts the warehouse has written.
    pub(crate) fn receipts(&self) -> u64 {
        self.receipts
    }
}

/// What the CRM should know of an order.
fn known(event: &OrderEvent) -> String {
    let customer = &event.customer;
    known_as(
        &event.order,
        &customer.name,
        &customer.postal_code,
        &money(event.cents),
    )
}

pub(crate) fn size(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
