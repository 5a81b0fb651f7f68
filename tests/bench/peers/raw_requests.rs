//! The limit of sending: the same client, with as many calls at once, and nothing of what
//! keeps order, effects or places: no subject waits for another, no call has a key, nothing
//! is parked or written down.

use bytes::Bytes;
use dragoman_outbound::{AuthOptions, Call, Endpoint, EndpointOptions};
use dragoman_settings::Secret;
use rdkafka::message::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

use super::raw_projection::consumer;
use crate::broker::PARTITIONS;
use crate::child::Task;

/// Calls at once: as many as a projection of ours makes.
const CONCURRENCY: usize = 16;
/// Records that wait for a call.
const WAITING: usize = 2_000;

/// Sends the records of the topic until it is killed.
pub(super) async fn send(task: &Task) {
    let endpoint = Endpoint::new(&EndpointOptions {
        url: Secret::from(format!("http://127.0.0.1:{}", task.port).as_str()),
        auth: AuthOptions::default(),
        timeout: Duration::from_secs(10),
        private_network: true,
    })
    .expect("the receiver can be called");
    let (sender, records) = mpsc::channel::<Vec<u8>>(WAITING);
    for partition in 0..PARTITIONS {
        let (task, sender) = (task.clone(), sender.clone());
        std::thread::spawn(move || {
            let consumer = consumer(&task, partition);
            loop {
                let Some(message) = consumer.poll(Duration::from_millis(100)) else {
                    continue;
                };
                let message = message.expect("Kafka gives records");
                let data = message.payload().unwrap_or_default().to_vec();
                if sender.blocking_send(data).is_err() {
                    return;
                }
            }
        });
    }
    let records = Arc::new(Mutex::new(records));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (endpoint, records) = (endpoint.clone(), Arc::clone(&records));
        callers.spawn(async move {
            loop {
                let Some(data) = records.lock().await.recv().await else {
                    return;
                };
                let call = Call {
                    headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                    body: Some(Bytes::from(data)),
                    ..Call::new("POST", "/orders")
                };
                let answer = endpoint.call(&call).await.expect("the receiver answers");
                assert_eq!(answer.status, 200);
            }
        });
    }
    callers.join_all().await;
}
