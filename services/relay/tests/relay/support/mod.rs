//! A hub of one's own for each test: a database, topics, relays to start and kill,
//! and a reader of Kafka that is not ours.

mod hub;
mod proxy;
mod reader;

pub(crate) use hub::{Hub, Running, accept_all, administer, event, no_tails};
pub(crate) use proxy::Proxy;
pub(crate) use reader::{check_promise, read, read_all, read_topic};

use std::future::Future;
use std::time::{Duration, Instant};

/// Waits until something is so, or fails after 40 seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
