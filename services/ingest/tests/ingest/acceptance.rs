//! Ten thousand sends at once, some of them again, some of them altered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{Hub, event};

/// What a send is: its id and its content. Every tenth is the one before it again, and
/// every hundredth the one before it, altered.
fn send(number: usize) -> (String, usize) {
    match number % 100 {
        49 => (format!("id-{}", number - 1), number),
        rest if rest % 10 == 5 => (format!("id-{}", number - 1), number - 1),
        _ => (format!("id-{number}"), number),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_sends_are_stored_repeated_and_refused_exactly() {
    let hub = Hub::new().await;
    let key: Arc<str> = hub.key("/shop").await.into();
    let server = hub.serve().await;
    let client = server.client();
    let room = Arc::new(Semaphore::new(200));
    let started = Instant::now();
    let mut sends = JoinSet::new();
    for number in 0..10_000 {
        let (client, key, room) = (client.clone(), Arc::clone(&key), Arc::clone(&room));
        sends.spawn(async move {
            let _permit = room.acquire_owned().await.unwrap();
            let (id, content) = send(number);
            let answer = client
                .send(&key, &event(&id, json!({ "content": content })))
                .await;
            let status = answer.body["status"].to_string();
            (answer.status, status)
        });
    }
    let mut ends: BTreeMap<(u16, String), usize> = BTreeMap::new();
    while let Some(end) = sends.join_next().await {
        *ends.entry(end.unwrap()).or_default() += 1;
    }
    let expected = [
        ((200, "\"duplicate\"".to_owned()), 1000),
        ((201, "\"stored\"".to_owned()), 8900),
        ((409, "409".to_owned()), 100),
    ];
    assert_eq!(ends, BTreeMap::from(expected), "{:?}", started.elapsed());
    server.stop().await;
    assert_eq!(hub.events().await, 8900);
    let totals = hub.totals("api").await;
    assert_eq!(totals.unbalanced(), 0, "{totals:?}");
    let counts = totals.counts;
    let counted = (
        counts.received,
        counts.stored,
        counts.duplicate,
        counts.refused,
    );
    assert_eq!(counted, (10_000, 8900, 1000, 100));
}
