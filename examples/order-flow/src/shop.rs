//! The shop: several connections to the API, some with batches, some with single events.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use stage::{Client, Reply, StageError};
use tokio::task::JoinSet;

use crate::counters::Counters;
use crate::orders::{OrderEvent, OrderKind};
use crate::plan::{Plan, Step};

/// Who the shop is to the hub.
pub(crate) const SOURCE: &str = "/shop";

/// Where the shop sends, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) hub: SocketAddr,
    pub(crate) key: String,
}

/// What the shop was told.
#[derive(Debug, Default)]
pub(crate) struct ShopTally {
    /// Every event that the hub has acknowledged, once.
    pub(crate) acknowledged: Vec<Arc<OrderEvent>>,
    /// Events that the hub had already: sent again, or acknowledged by an answer that
    /// was lost.
    pub(crate) duplicates: u64,
    /// Altered repeats that were sent, and how many of them were refused as conflicts.
    pub(crate) altered: u64,
    pub(crate) conflicts: u64,
}

/// What the hub says of one event.
#[derive(Debug, Deserialize)]
struct Receipt {
    status: String,
}

impl Shop {
    /// Sends all of it, as fast as the hub takes it.
    ///
    /// # Errors
    /// When the hub answers what it must not, or not at all.
    pub(crate) async fn run(
        &self,
        plan: &Plan,
        counters: &Arc<Counters>,
    ) -> Result<ShopTally, StageError> {
        let mut connections = JoinSet::new();
        for steps in &plan.connections {
            let connection = Connection {
                client: Client::new(self.hub),
                authorization: format!("Bearer {}", self.key),
                counters: Arc::clone(counters),
            };
            connections.spawn(connection.run(steps.clone()));
        }
        let mut all = ShopTally::default();
        while let Some(ended) = connections.join_next().await {
            let tally = ended.map_err(|error| {
                StageError::Unexpected(format!("a connection of the shop broke: {error}"))
            })??;
            all.acknowledged.extend(tally.acknowledged);
            all.duplicates += tally.duplicates;
            all.altered += tally.altered;
            all.conflicts += tally.conflicts;
        }
        Ok(all)
    }
}

struct Connection {
    client: Client,
    authorization: String,
    counters: Arc<Counters>,
}

impl Connection {
    async fn run(self, steps: Vec<Step>) -> Result<ShopTally, StageError> {
        let mut tally = ShopTally::default();
        for step in steps {
            self.take(step, &mut tally).await?;
        }
        Ok(tally)
    }

    async fn take(&self, step: Step, tally: &mut ShopTally) -> Result<(), StageError> {
        match step {
            Step::New(events) => {
                tally.duplicates += self.send(&events).await?;
                let placed = events
                    .iter()
                    .filter(|event| event.kind == OrderKind::Placed);
                self.counters.orders.add(placed.count());
                tally.acknowledged.extend(events);
            }
            Step::Again(events) => {
                self.send(&events).await?;
                tally.duplicates += crate::wanted::size(events.len());
            }
            Step::Altered(event) => {
                tally.altered += 1;
                let reply = self.send_one(&event, altered(&event)).await?;
                if reply.status != StatusCode::CONFLICT {
                    return Err(unexpected(&reply));
                }
                tally.conflicts += 1;
            }
        }
        Ok(())
    }

    /// Sends events, and says how many the hub had already.
    async fn send(&self, events: &[Arc<OrderEvent>]) -> Result<u64, StageError> {
        let receipts = if let [event] = events {
            let reply = self.send_one(event, event.data.clone()).await?;
            vec![read::<Receipt>(&reply)?]
        } else {
            let reply = self.send_batch(events).await?;
            read::<Vec<Receipt>>(&reply)?
        };
        let count = |wanted| {
            receipts
                .iter()
                .filter(|receipt| receipt.status == wanted)
                .count()
        };
        let (stored, duplicates) = (count("stored"), count("duplicate"));
        if stored + duplicates != events.len() {
            return Err(StageError::Unexpected(format!(
                "{} events were sent, {stored} are said to be stored and {duplicates} to be duplicates",
                events.len()
            )));
        }
        Ok(u64::try_from(duplicates).unwrap_or(u64::MAX))
    }

    /// A CloudEvent in binary mode: attributes in headers, the data as the body.
    async fn send_one(&self, event: &OrderEvent, data: String) -> Result<Reply, StageError> {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", &event.id),
            ("ce-source", SOURCE),
            ("ce-type", event.kind.event_type()),
            ("ce-subject", &event.order),
        ];
        self.client
            .post("/v1/events", &headers, &Bytes::from(data))
            .await
    }

    /// CloudEvents in batch mode.
    async fn send_batch(&self, events: &[Arc<OrderEvent>]) -> Result<Reply, StageError> {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/cloudevents-batch+json"),
        ];
        let list: Vec<String> = events.iter().map(|event| structured(event)).collect();
        let body = Bytes::from(format!("[{}]", list.join(",")));
        self.client.post("/v1/events", &headers, &body).await
    }
}

/// None of the values needs escaping in JSON.
fn structured(event: &OrderEvent) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{}","source":"{SOURCE}","type":"{}","subject":"{}","data":{}}}"#,
        event.id,
        event.kind.event_type(),
        event.order,
        event.data
    )
}

/// The same event with another customer.
fn altered(event: &OrderEvent) -> String {
    event.data.replacen("customer-", "another-", 1)
}

fn read<'a, T: Deserialize<'a>>(reply: &'a Reply) -> Result<T, StageError> {
    if !reply.status.is_success() {
        return Err(unexpected(reply));
    }
    serde_json::from_slice(&reply.body).map_err(|_| unexpected(reply))
}

fn unexpected(reply: &Reply) -> StageError {
    StageError::Unexpected(format!("the hub answered the shop: {}", reply.summary()))
}
