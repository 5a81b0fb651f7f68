//! Delivering to a webhook of the hub, and remembering what it said.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http::StatusCode;
use stage::{Client, chain};

use super::lock;

/// The way to a webhook.
#[derive(Debug)]
pub(crate) struct Hook {
    client: Client,
    path: &'static str,
    tally: Mutex<HookTally>,
}

/// What the hub said of deliveries.
#[derive(Debug, Clone, Default)]
pub(crate) struct HookTally {
    /// What it has acknowledged, by the id of its event: the order it is about.
    pub(crate) acknowledged: HashMap<String, String>,
    /// Events that it has acknowledged once more.
    pub(crate) repeated: u64,
    /// Deliveries that hold nothing for it.
    pub(crate) ignored: HashSet<String>,
    /// Answers that it must not give, and deliveries without one.
    pub(crate) failures: Vec<String>,
}

/// A delivery, before it is signed.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// What the hub is to make of it: ids of events, and the orders that they are about.
    pub(super) events: Vec<(String, String)>,
    /// Its own id, when it holds nothing for the hub.
    pub(super) chatter: Option<String>,
    pub(super) body: String,
}

impl Hook {
    pub(crate) fn new(hub: SocketAddr, path: &'static str) -> Self {
        Self {
            client: Client::new(hub),
            path,
            tally: Mutex::default(),
        }
    }

    /// Delivers, again and again until the hub has it.
    pub(super) async fn deliver(&self, headers: &[(&str, &str)], delivery: &Delivery) {
        let body = Bytes::from(delivery.body.clone());
        let reply = self.client.post(self.path, headers, &body).await;
        let mut tally = lock(&self.tally);
        match reply {
            Ok(reply) if reply.status == StatusCode::OK => tally.take(delivery),
            Ok(reply) => tally.failures.push(reply.summary()),
            Err(error) => tally.failures.push(chain(&error)),
        }
    }

    pub(crate) fn tally(&self) -> HookTally {
        lock(&self.tally).clone()
    }
}

impl HookTally {
    fn take(&mut self, delivery: &Delivery) {
        self.ignored.extend(delivery.chatter.clone());
        for (id, order) in &delivery.events {
            let known = self.acknowledged.insert(id.clone(), order.clone());
            self.repeated += u64::from(known.is_some());
        }
    }
}
