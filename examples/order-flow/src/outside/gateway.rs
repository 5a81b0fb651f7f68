//! The payment gateway: takes charges, and tells what came of them by signed webhooks,
//! sometimes twice, sometimes before its own reply. Half-way it changes its secret.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::value::RawValue;
use stage::{Answer, Received, Receiver, stripe_signature};
use tokio::sync::Mutex as Turn;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::hook::Delivery;
use super::{Hook, HookTally, done, key, lock, unreadable};
use crate::counters::{Counter, Counters};
use crate::deeds::Deeds;
use crate::plan::Plan;

/// Deliveries at once.
const WORKERS: usize = 12;
/// Of how many webhooks one comes twice, of how many one before the reply, and beside how
/// many charges there is one that is nothing for the hub.
const TWICE: u64 = 25;
const TOO_EARLY: u64 = 20;
const CHATTER: u64 = 50;

/// The gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    plan: Arc<Plan>,
    counters: Arc<Counters>,
    secrets: GatewaySecrets,
    hook: Hook,
    deeds: Mutex<Deeds>,
    outbox: UnboundedSender<Delivery>,
    /// What it has taken, in cents.
    pub(crate) cents: Counter,
    pub(crate) twice: Counter,
    pub(crate) too_early: Counter,
}

/// What it signs with until half of the charges are made, and from then on.
#[derive(Debug, Clone)]
pub(crate) struct GatewaySecrets {
    pub(crate) old: String,
    pub(crate) new: String,
}

#[derive(Deserialize)]
struct Charge<'a> {
    order: &'a str,
    #[serde(borrow)]
    amount: &'a RawValue,
}

impl Gateway {
    /// A gateway, and whoever delivers for it until he is dropped.
    pub(crate) fn open(
        plan: &Arc<Plan>,
        counters: &Arc<Counters>,
        secrets: GatewaySecrets,
        hook: Hook,
    ) -> (Arc<Self>, JoinSet<()>) {
        let (outbox, deliveries) = unbounded_channel();
        let gateway = Arc::new(Self {
            plan: Arc::clone(plan),
            counters: Arc::clone(counters),
            secrets,
            hook,
            deeds: Mutex::default(),
            outbox,
            cents: Counter::default(),
            twice: Counter::default(),
            too_early: Counter::default(),
        });
        let deliveries = Arc::new(Turn::new(deliveries));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            workers.spawn(work(Arc::clone(&gateway), Arc::clone(&deliveries)));
        }
        (gateway, workers)
    }

    pub(crate) fn deeds(&self) -> Deeds {
        lock(&self.deeds).clone()
    }

    pub(crate) fn tally(&self) -> HookTally {
        self.hook.tally()
    }

    async fn charge(&self, request: &Received) -> Result<(), Answer> {
        let key = key(request)?;
        let charge: Charge<'_> = serde_json::from_slice(&request.body).map_err(|_| unreadable())?;
        let (order, amount) = (charge.order, charge.amount.get());
        let cents = amount.replace('.', "").parse().map_err(|_| unreadable())?;
        if !lock(&self.deeds).act(key, &format!("{order} {amount}")) {
            return Ok(());
        }
        self.counters.charges.add(1);
        self.cents.add(cents);
        let captured = captured(order, amount);
        if self.plan.happens("twice", order, TWICE) {
            self.twice.add(1);
            self.post(captured.clone());
        }
        if self.plan.happens("chatter", order, CHATTER) {
            self.post(chatter(order));
        }
        if self.plan.happens("early", order, TOO_EARLY) {
            self.too_early.add(1);
            self.deliver(&captured).await;
        } else {
            self.post(captured);
        }
        Ok(())
    }

    fn post(&self, delivery: Delivery) {
        // Whoever delivers is there as long as the gateway.
        let _ = self.outbox.send(delivery);
    }

    async fn deliver(&self, delivery: &Delivery) {
        let half_way = self.counters.charges.get() > self.plan.orders / 2;
        let secret = if half_way {
            &self.secrets.new
        } else {
            &self.secrets.old
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let moment = now.map_or(0, |since| since.as_secs());
        // A secret of ordinary length signs; without a signature the hub would refuse.
        let signature =
            stripe_signature(secret, moment, delivery.body.as_bytes()).unwrap_or_default();
        let headers = [
            ("content-type", "application/json"),
            ("stripe-signature", signature.as_str()),
        ];
        self.hook.deliver(&headers, delivery).await;
    }
}

impl Receiver for Gateway {
    async fn receive(&self, request: Received) -> Option<Answer> {
        Some(match self.charge(&request).await {
            Ok(()) => done(),
            Err(refusal) => refusal,
        })
    }
}

async fn work(gateway: Arc<Gateway>, deliveries: Arc<Turn<UnboundedReceiver<Delivery>>>) {
    loop {
        let next = deliveries.lock().await.recv().await;
        let Some(delivery) = next else { return };
        gateway.deliver(&delivery).await;
    }
}

/// None of the values needs escaping in JSON.
fn captured(order: &str, amount: &str) -> Delivery {
    let id = format!("evt-{order}");
    Delivery {
        body: format!(
            r#"{{"id":"{id}","type":"payment.captured","data":{{"order":"{order}","charge":"charge-{order}","amount":{amount}}}}}"#
        ),
        events: vec![(id, order.to_owned())],
        chatter: None,
    }
}

fn chatter(order: &str) -> Delivery {
    let id = format!("evt-{order}-updated");
    Delivery {
        body: format!(
            r#"{{"id":"{id}","type":"charge.updated","data":{{"order":"{order}","charge":"charge-{order}"}}}}"#
        ),
        events: Vec::new(),
        chatter: Some(id),
    }
}
