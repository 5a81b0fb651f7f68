//! Orders, and what takes them back.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::goods::GOODS;

/// Something that the shop has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderEvent {
    pub(crate) id: String,
    pub(crate) kind: OrderKind,
    /// The number of the order, the subject of its events.
    pub(crate) order: String,
    pub(crate) customer: Customer,
    /// The sum of the lines.
    pub(crate) cents: i64,
    pub(crate) lines: Vec<OrderLine>,
    /// JSON, as it is sent.
    pub(crate) data: String,
}

/// Whose order it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) name: String,
    pub(crate) postal_code: String,
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

impl OrderKind {
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Placed => "order.placed",
            Self::Cancelled => "order.cancelled",
        }
    }
}

impl OrderEvent {
    /// An order of one to three lines. `postal_code`: as the customer wrote it.
    pub(crate) fn placed(order: &str, postal_code: &str, random: &mut StdRng) -> Self {
        let customer = Customer {
            name: format!("customer-{}", random.random_range(1..=5_000)),
            postal_code: postal_code.to_owned(),
        };
        Self::new(OrderKind::Placed, order, customer, lines(random))
    }

    /// What takes it back.
    pub(crate) fn taken_back(&self) -> Self {
        let credit = self.lines.iter().map(OrderLine::taken_back).collect();
        Self::new(
            OrderKind::Cancelled,
            &self.order,
            self.customer.clone(),
            credit,
        )
    }

    /// The same with another postal code.
    pub(crate) fn at(&self, postal_code: &str) -> Self {
        let customer = Customer {
            postal_code: postal_code.to_owned(),
            ..self.customer.clone()
        };
        Self::new(self.kind, &self.order, customer, self.lines.clone())
    }

    fn new(kind: OrderKind, order: &str, customer: Customer, lines: Vec<OrderLine>) -> Self {
        let suffix = match kind {
            OrderKind::Placed => "placed",
            OrderKind::Cancelled => "cancelled",
        };
        let written: Vec<String> = lines.iter().map(OrderLine::as_json).collect();
        let cents = lines.iter().map(|line| line.cents).sum();
        Self {
            id: format!("{order}-{suffix}"),
            kind,
            order: order.to_owned(),
            data: format!(
                r#"{{"customer":"{}","postal_code":"{}","total":{},"lines":[{}]}}"#,
                customer.name,
                customer.postal_code,
                money(cents),
                written.join(",")
            ),
            customer,
            lines,
            cents,
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
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{OrderEvent, money};

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
    fn what_takes_an_order_back_leaves_nothing_of_it() {
        let order = OrderEvent::placed("order-1", "1070", &mut StdRng::seed_from_u64(7));
        let back = order.taken_back();
        assert_eq!(order.cents + back.cents, 0);
        assert_eq!(
            (order.order == back.order, order.id == back.id),
            (true, false)
        );
        assert!(order.at("1080").data.contains(r#""postal_code":"1080""#));
    }
}
