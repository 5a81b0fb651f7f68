//! The shop: several connections to the API, some with batches, some with single events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Deserialize;
use stage::{Client, Reply, StageError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::counters::Counters;
use crate::orders::{OrderEvent, Step, script};

/// Who the shop is to the hub.
pub(crate) const SOURCE: &str = "/shop";
/// Connections that send batches, and how many events a batch has.
const BATCHING: usize = 3;
const BATCH: usize = 50;
/// Connections that send one event a request. There are more of them: each waits for its
/// commit, and what waits at the same time shares one.
const SINGLE: usize = 24;

/// Where and how the shop sends.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) hub: SocketAddr,
    pub(crate) key: String,
    pub(crate) events: usize,
    pub(crate) time: Duration,
}

/// What the shop was told.
#[derive(Debug, Default)]
pub(crate) struct ShopTally {
    /// Every event that the hub has acknowledged, once.
    pub(crate) acknowledged: Vec<Arc<OrderEvent>>,
    /// Answers that said "duplicate".
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
    /// Sends all of it.
    ///
    /// # Errors
    /// When the hub answers what it must not, or not at all.
    pub(crate) async fn run(&self, counters: &Arc<Counters>) -> Result<ShopTally, StageError> {
        let mut connections = JoinSet::new();
        // Batches carry two thirds of the events.
        let in_batches = self.events * 2 / 3;
        for number in 0..BATCHING + SINGLE {
            let (count, batch) = if number < BATCHING {
                (share(in_batches, BATCHING, number), BATCH)
            } else {
                (
                    share(self.events - in_batches, SINGLE, number - BATCHING),
                    1,
                )
            };
            let seed = u64::try_from(number).unwrap_or_default();
            let steps = script(number, count, batch, &mut StdRng::seed_from_u64(seed));
            let connection = Connection {
                client: Client::new(self.hub),
                authorization: format!("Bearer {}", self.key),
                counters: Arc::clone(counters),
            };
            connections.spawn(connection.run(steps, self.time));
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

fn share(all: usize, parts: usize, number: usize) -> usize {
    all / parts + usize::from(number < all % parts)
}

struct Connection {
    client: Client,
    authorization: String,
    counters: Arc<Counters>,
}

impl Connection {
    /// Sends step by step, evenly over the time.
    async fn run(self, steps: Vec<Step>, time: Duration) -> Result<ShopTally, StageError> {
        let mut tally = ShopTally::default();
        let begin = Instant::now();
        let pace = time / u32::try_from(steps.len().max(1)).unwrap_or(u32::MAX);
        let mut due = begin;
        for step in steps {
            sleep_until(due).await;
            due += pace;
            self.take(step, &mut tally).await?;
        }
        Ok(tally)
    }

    async fn take(&self, step: Step, tally: &mut ShopTally) -> Result<(), StageError> {
        match step {
            Step::New(events) => {
                tally.duplicates += self.send(&events).await?;
                self.counters.orders.add(events.len());
                tally.acknowledged.extend(events);
            }
            Step::Again(events) => tally.duplicates += self.send(&events).await?,
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
