//! The legacy ERP: is told what to release, and sends an XML dispatch advice for every
//! lorry, some of them twice. It cannot sign; it shows a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use stage::{Answer, Received, Receiver};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::hook::Delivery;
use super::{Hook, HookTally, done, key, lock, refusal, unreadable};
use crate::counters::Counters;
use crate::deeds::Deeds;
use crate::plan::Plan;

/// The most parcels in a lorry.
const LORRY: usize = 20;
/// Of how many advices one comes twice.
const TWICE: u64 = 15;

/// The ERP.
#[derive(Debug)]
pub(crate) struct Erp {
    counters: Arc<Counters>,
    keys: ErpKeys,
    hook: Hook,
    deeds: Mutex<Deeds>,
    released: UnboundedSender<String>,
}

/// What the hub shows to the ERP, and what the ERP shows to the hub.
#[derive(Debug, Clone)]
pub(crate) struct ErpKeys {
    pub(crate) calls: String,
    pub(crate) hook: String,
}

impl Erp {
    /// An ERP, and whoever sends lorries for it until he is dropped.
    pub(crate) fn open(
        plan: &Arc<Plan>,
        counters: &Arc<Counters>,
        keys: ErpKeys,
        hook: Hook,
    ) -> (Arc<Self>, JoinSet<()>) {
        let (released, orders) = unbounded_channel();
        let erp = Arc::new(Self {
            counters: Arc::clone(counters),
            keys,
            hook,
            deeds: Mutex::default(),
            released,
        });
        let mut work = JoinSet::new();
        work.spawn(send_lorries(Arc::clone(&erp), Arc::clone(plan), orders));
        (erp, work)
    }

    pub(crate) fn deeds(&self) -> Deeds {
        lock(&self.deeds).clone()
    }

    pub(crate) fn tally(&self) -> HookTally {
        self.hook.tally()
    }

    fn release(&self, request: &Received) -> Result<(), Answer> {
        if request.header("x-api-key") != Some(&self.keys.calls) {
            return Err(refusal(StatusCode::FORBIDDEN, "who is that?"));
        }
        let key = key(request)?;
        let text = String::from_utf8_lossy(&request.body);
        let order = text
            .strip_prefix("<Release order=\"")
            .and_then(|rest| rest.strip_suffix("\"/>"))
            .ok_or_else(unreadable)?;
        if lock(&self.deeds).act(key, order) {
            self.counters.releases.add(1);
            // Whoever sends lorries is there as long as the ERP.
            let _ = self.released.send(order.to_owned());
        }
        Ok(())
    }
}

impl Receiver for Erp {
    async fn receive(&self, request: Received) -> Option<Answer> {
        Some(match self.release(&request) {
            Ok(()) => done(),
            Err(refusal) => refusal,
        })
    }
}

async fn send_lorries(erp: Arc<Erp>, plan: Arc<Plan>, mut orders: UnboundedReceiver<String>) {
    let headers = [
        ("content-type", "application/xml"),
        ("x-erp-key", erp.keys.hook.as_str()),
    ];
    let mut numbers = Numbers::default();
    let mut lorry = Vec::new();
    while orders.recv_many(&mut lorry, LORRY).await > 0 {
        let (number, delivery) = numbers.advice(&std::mem::take(&mut lorry));
        erp.hook.deliver(&headers, &delivery).await;
        if plan.happens("twice", &number, TWICE) {
            erp.hook.deliver(&headers, &delivery).await;
        }
    }
}

/// Numbers that were given.
#[derive(Debug, Default)]
struct Numbers {
    advices: u64,
    parcels: HashMap<String, u64>,
}

impl Numbers {
    /// An advice of orders, and its number. A second parcel of an order would have another
    /// number, and be seen. None of the values needs escaping in XML.
    fn advice(&mut self, orders: &[String]) -> (String, Delivery) {
        self.advices += 1;
        let number = format!("advice-{:06}", self.advices);
        let mut events = Vec::new();
        let mut lines = String::new();
        for order in orders {
            let count = self.parcels.entry(order.clone()).or_default();
            *count += 1;
            let parcel = format!("parcel-{count}-{order}");
            lines.push_str(&format!(
                "  <Line order=\"{order}\" parcel=\"{parcel}\"><Pieces>1</Pieces></Line>\n"
            ));
            events.push((parcel, order.clone()));
        }
        let body = format!(
            "<?xml version=\"1.0\"?>\n<DispatchAdvice number=\"{number}\">\n{lines}</DispatchAdvice>\n"
        );
        let delivery = Delivery {
            events,
            chatter: None,
            body,
        };
        (number, delivery)
    }
}
