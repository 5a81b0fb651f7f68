//! The notification service: refuses messages to some customers for good, until somebody
//! repairs it, and loses replies after it has acted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde::Deserialize;
use stage::{Answer, Received, Receiver};

use super::{done, key, lock, refusal, unreadable};
use crate::counters::{Counter, Counters};
use crate::deeds::Deeds;
use crate::plan::Plan;

/// Of how many replies one is lost.
const LOST: u64 = 150;

/// The notification service.
#[derive(Debug)]
pub(crate) struct Notification {
    plan: Arc<Plan>,
    counters: Arc<Counters>,
    token: String,
    repaired: AtomicBool,
    deeds: Mutex<Deeds>,
    pub(crate) lost: Counter,
}

#[derive(Deserialize)]
struct Message<'a> {
    order: &'a str,
    message: &'a str,
}

impl Notification {
    pub(crate) fn new(plan: &Arc<Plan>, counters: &Arc<Counters>, token: String) -> Arc<Self> {
        Arc::new(Self {
            plan: Arc::clone(plan),
            counters: Arc::clone(counters),
            token,
            repaired: AtomicBool::new(false),
            deeds: Mutex::default(),
            lost: Counter::default(),
        })
    }

    pub(crate) fn deeds(&self) -> Deeds {
        lock(&self.deeds).clone()
    }

    /// From now on it reaches every customer.
    pub(crate) fn repair(&self) {
        self.repaired.store(true, Ordering::Relaxed);
    }

    /// Whether there is a reply.
    fn send(&self, request: &Received) -> Result<bool, Answer> {
        let shown = request.header("authorization");
        if shown.and_then(|value| value.strip_prefix("Bearer ")) != Some(&self.token) {
            return Err(refusal(StatusCode::UNAUTHORIZED, "who is that?"));
        }
        let key = key(request)?;
        let Message { order, message } =
            serde_json::from_slice(&request.body).map_err(|_| unreadable())?;
        if self.plan.unreachable.contains(order) && !self.repaired.load(Ordering::Relaxed) {
            return Err(refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no way to reach the customer",
            ));
        }
        if !lock(&self.deeds).act(key, &format!("{order} {message}")) {
            return Ok(true);
        }
        self.counters.messages.add(1);
        let lost = self.counters.messages.get().is_multiple_of(LOST);
        self.lost.add(usize::from(lost));
        Ok(!lost)
    }
}

impl Receiver for Notification {
    async fn receive(&self, request: Received) -> Option<Answer> {
        match self.send(&request) {
            Ok(true) => Some(done()),
            Ok(false) => None,
            Err(refusal) => Some(refusal),
        }
    }
}
