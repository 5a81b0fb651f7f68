//! A hub of one's own for each test: a database, adapters, an ingest that serves, and
//! a client.

mod client;
mod hub;
mod proxy;
mod signing;

pub(crate) use client::{Answer, Client, shown};
pub(crate) use hub::{Hub, adapters, event, schemas};
pub(crate) use proxy::Proxy;
pub(crate) use signing::{github, hmac, standard};

use std::future::Future;
use std::time::{Duration, Instant};

/// Waits until something is so, or fails after 30 seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
