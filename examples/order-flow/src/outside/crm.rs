//! The CRM: lets in whoever has a token of the last ten seconds, wants to be left alone now
//! and then, and refuses orders without a postal code.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use stage::{Answer, Received, Receiver};

use super::tokens::{LIFE, Tokens};
use super::{done, key, lock, refusal, unreadable};
use crate::counters::{Counter, Counters};
use crate::deeds::Deeds;
use crate::plan::Plan;

/// How often in a run it wants to be left alone, and for how long it then says so.
const PAUSES: u64 = 20;
const PAUSE: Duration = Duration::from_millis(300);

/// The CRM.
#[derive(Debug)]
pub(crate) struct Crm {
    counters: Arc<Counters>,
    secret: String,
    /// After how many orders it wants a pause.
    stride: u64,
    /// After how many it does not know its own tokens any more.
    forgetful_at: u64,
    desk: Mutex<Desk>,
    pub(crate) unauthorized: Counter,
    pub(crate) throttled: Counter,
}

#[derive(Debug, Default)]
struct Desk {
    deeds: Deeds,
    tokens: Tokens,
    busy_until: Option<Instant>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    customer: &'a str,
    postal_code: &'a str,
    #[serde(borrow)]
    total: &'a RawValue,
}

impl Crm {
    pub(crate) fn new(plan: &Plan, counters: &Arc<Counters>, secret: String) -> Arc<Self> {
        Arc::new(Self {
            counters: Arc::clone(counters),
            secret,
            stride: (plan.orders / PAUSES).max(50),
            forgetful_at: plan.orders / 4,
            desk: Mutex::default(),
            unauthorized: Counter::default(),
            throttled: Counter::default(),
        })
    }

    pub(crate) fn deeds(&self) -> Deeds {
        lock(&self.desk).deeds.clone()
    }

    pub(crate) fn tokens_given(&self) -> u64 {
        lock(&self.desk).tokens.given()
    }

    /// What it keeps in memory alone is gone: tokens.
    pub(crate) fn restart(&self) {
        lock(&self.desk).tokens.forget();
    }

    fn token(&self, request: &Received) -> Answer {
        let form = String::from_utf8_lossy(&request.body);
        let has = |name: &str, value: &str| {
            form.split('&')
                .any(|field| field.split_once('=') == Some((name, value)))
        };
        if !has("client_id", "hub") || !has("client_secret", &self.secret) {
            return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let token = lock(&self.desk).tokens.give(Instant::now());
        let body = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs(),
        });
        Answer::new(StatusCode::OK, body.to_string())
    }

    fn take(&self, request: &Received, order: &str) -> Result<(), Answer> {
        let now = Instant::now();
        let mut desk = lock(&self.desk);
        if !desk.tokens.admit(request.header("authorization"), now) {
            self.unauthorized.add(1);
            return Err(refusal(StatusCode::UNAUTHORIZED, "the token is not valid"));
        }
        if desk.busy_until.is_some_and(|until| now < until) {
            self.throttled.add(1);
            let busy = refusal(StatusCode::TOO_MANY_REQUESTS, "not so fast");
            return Err(busy.with("retry-after", "1"));
        }
        let key = key(request)?;
        let entry: Entry<'_> = serde_json::from_slice(&request.body).map_err(|_| unreadable())?;
        if entry.postal_code.is_empty() {
            return Err(refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the postal code is missing",
            ));
        }
        let what = thing(order, entry.customer, entry.postal_code, entry.total.get());
        if desk.deeds.act(key, &what) {
            self.counters.known.add(1);
            let known = self.counters.known.get();
            if known.is_multiple_of(self.stride) {
                desk.busy_until = Some(now + PAUSE);
            }
            if known == self.forgetful_at {
                desk.tokens.forget();
            }
        }
        Ok(())
    }
}

/// What the CRM knows of an order.
pub(crate) fn thing(order: &str, customer: &str, postal_code: &str, total: &str) -> String {
    format!("{order} of {customer} in {postal_code}, {total}")
}

impl Receiver for Crm {
    async fn receive(&self, request: Received) -> Option<Answer> {
        Some(match request.path.strip_prefix("/api/orders/") {
            Some(order) => match self.take(&request, order) {
                Ok(()) => done(),
                Err(refusal) => refusal,
            },
            None if request.path == "/token" => self.token(&request),
            None => refusal(StatusCode::NOT_FOUND, "there is nothing"),
        })
    }
}
