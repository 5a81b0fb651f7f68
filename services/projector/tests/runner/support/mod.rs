//! A hub and a target of one's own for each test, a relay that can be told what to
//! lose, and projections to start, stop and kill.

mod arrived;
mod projection;
mod receiver;
mod relay;
mod world;

pub(crate) use arrived::{everything_arrived, log_by_subject, one_key_each};
pub(crate) use projection::{Running, definition, requests, sales, sales_of_one_topic, total};
pub(crate) use receiver::{Receiver, Reply};
pub(crate) use relay::Relay;
pub(crate) use world::{World, broken, event, sum_up};

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

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} says where to test"))
}
