//! The table `order_state`: what it should hold, and what it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::Row;
use stage::{StageError, connect, thousands};

use crate::orders::{OrderEvent, OrderKind};

/// The way of an order that nobody takes back.
const WAY: [&str; 3] = ["placed", "paid", "dispatched"];
const TAKEN_BACK: &str = "taken back";

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderState {
    state: String,
    /// Its steps, in the order in which the hub had them.
    history: Vec<String>,
    cents: i64,
}

/// Where all orders stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrderStates(BTreeMap<String, OrderState>);

impl OrderStates {
    /// Where orders stand when each is paid and dispatched. Of one that is taken back nobody
    /// can say when: its history has that at its end.
    pub(crate) fn fold(orders: &[Arc<OrderEvent>]) -> Self {
        let mut states = Self::default();
        for event in orders {
            let order = states.0.entry(event.order.clone());
            let order = order.or_insert_with(|| OrderState {
                state: "dispatched".to_owned(),
                history: WAY.map(str::to_owned).into(),
                cents: 0,
            });
            match event.kind {
                OrderKind::Placed => order.cents = event.cents,
                OrderKind::Cancelled => {
                    TAKEN_BACK.clone_into(&mut order.state);
                    order.history.push(TAKEN_BACK.to_owned());
                }
            }
        }
        states
    }

    /// Reads the table; one that is not made yet has no rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn read(analytics: &str) -> Result<Self, StageError> {
        let mut database = connect(analytics, None).await?;
        let missing: bool = sqlx::query_scalar("select to_regclass('public.order_state') is null")
            .fetch_one(&mut database)
            .await
            .map_err(StageError::database("looking for order_state"))?;
        if missing {
            return Ok(Self::default());
        }
        let rows = sqlx::query(
            "select order_id, state, history, (total * 100)::bigint from public.order_state",
        )
        .fetch_all(&mut database)
        .await
        .map_err(StageError::database("reading order_state"))?;
        rows.iter()
            .map(state_of)
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(StageError::database("reading a row of order_state"))
    }

    /// How many events are in it, by its own histories.
    pub(crate) fn events(&self) -> u64 {
        let steps: usize = self.0.values().map(|order| order.history.len()).sum();
        u64::try_from(steps).unwrap_or(u64::MAX)
    }

    pub(crate) fn summary(&self) -> String {
        let count = |state: &str| {
            let of_state = self.0.values().filter(|order| order.state == state);
            thousands(u64::try_from(of_state.count()).unwrap_or(u64::MAX))
        };
        format!(
            "{} dispatched, {} taken back",
            count("dispatched"),
            count(TAKEN_BACK)
        )
    }

    /// The first order that stands where it should not.
    pub(crate) fn flaw(&self, should: &Self) -> Option<String> {
        let unknown = self.0.keys().find(|order| !should.0.contains_key(*order));
        if let Some(order) = unknown {
            return Some(format!("nobody has placed {order}"));
        }
        should.0.iter().find_map(|(order, should)| {
            let Some(has) = self.0.get(order) else {
                return Some(format!("{order} is missing"));
            };
            (!has.is(should)).then(|| format!("{order}: {}", has.history.join(", ")))
        })
    }
}

impl OrderState {
    /// Whether it is what it should be, whenever it was taken back: but not before it was
    /// placed.
    fn is(&self, should: &Self) -> bool {
        let mut history = self.history.clone();
        if should.state == TAKEN_BACK {
            match history.iter().position(|step| step == TAKEN_BACK) {
                None | Some(0) => return false,
                Some(at) => {
                    let step = history.remove(at);
                    history.push(step);
                }
            }
        }
        (&self.state, self.cents, &history) == (&should.state, should.cents, &should.history)
    }
}

fn state_of(row: &sqlx::postgres::PgRow) -> Result<(String, OrderState), sqlx::Error> {
    let history: String = row.try_get(2)?;
    let order = OrderState {
        state: row.try_get(1)?,
        history: history.split(", ").map(str::to_owned).collect(),
        cents: row.try_get(3)?,
    };
    Ok((row.try_get(0)?, order))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::OrderStates;
    use crate::orders::OrderEvent;

    fn states() -> OrderStates {
        let mut random = StdRng::seed_from_u64(1);
        let kept = OrderEvent::placed("kept", "1070", &mut random);
        let given_back = OrderEvent::placed("given back", "1070", &mut random);
        let back = given_back.taken_back();
        OrderStates::fold(&[kept, given_back, back].map(Arc::new))
    }

    fn with_history(order: &str, history: &str) -> OrderStates {
        let mut states = states();
        if let Some(state) = states.0.get_mut(order) {
            state.history = history.split(", ").map(str::to_owned).collect();
        }
        states
    }

    #[test]
    fn an_order_may_be_taken_back_at_any_time_after_it_was_placed() {
        let should = states();
        assert_eq!(should.events(), 7);
        for history in [
            "placed, taken back, paid, dispatched",
            "placed, paid, dispatched, taken back",
        ] {
            assert_eq!(with_history("given back", history).flaw(&should), None);
        }
    }

    #[test]
    fn a_step_too_many_or_too_few_or_too_early_is_seen() {
        let should = states();
        for (order, history) in [
            ("kept", "placed, paid"),
            ("kept", "placed, paid, paid, dispatched"),
            ("kept", "placed, dispatched, paid"),
            ("kept", "placed, paid, dispatched, taken back"),
            ("given back", "placed, paid, dispatched"),
            ("given back", "taken back, placed, paid, dispatched"),
        ] {
            let seen = with_history(order, history).flaw(&should);
            assert!(seen.is_some(), "{order}: {history}");
        }
        let mut other = states();
        other.0.remove("kept");
        assert!(other.flaw(&should).is_some());
        assert!(should.flaw(&other).is_some());
    }
}
