//! Postgres goes away, Kafka forgets.

use std::time::Duration;

use dragoman_core::Position;
use dragoman_relay::{LEASE, RelayOptions};
use dragoman_store::Mark;

use crate::support::{
    Hub, Proxy, Running, accept_all, check_promise, eventually, no_tails, read_all, read_topic,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_lost_its_tail_goes_on_behind_the_mark() {
    let hub = Hub::new().await;
    hub.append(0, 10).await;
    let sealer = hub.start(RelayOptions::new("sealer", None));
    eventually("all is sealed", || async { hub.head().await == 10 }).await;
    sealer.stop().await;
    let mut marks = Vec::new();
    for (topic, position) in [(&hub.orders, 7), (&hub.stock, 8)] {
        let recorded = &hub
            .store
            .read_after(Position(position - 1), 1)
            .await
            .unwrap()[0];
        marks.push(Mark {
            topic: topic.clone(),
            partition: 0,
            position: Position(position),
            kafka_offset: 50,
            source: recorded.event.source.clone(),
            id: recorded.event.id.clone(),
        });
    }
    let ttl = Duration::from_secs(5);
    let lease = hub
        .store
        .acquire_lease(LEASE, "test", ttl)
        .await
        .unwrap()
        .unwrap();
    hub.store
        .write_marks(&lease, &marks, Position(8))
        .await
        .unwrap();
    hub.store.release_lease(&lease).await.unwrap();
    let relay = hub.start(hub.options("one", 1));
    hub.append(10, 3).await;
    hub.wait_through(13).await;
    relay.stop().await;
    let seen = read_topic(&hub.orders);
    let chain: Vec<(i64, Option<i64>)> = seen
        .iter()
        .map(|seen| (seen.position, seen.previous))
        .collect();
    assert_eq!(chain[0], (9, Some(7)));
    assert!(chain.windows(2).all(|pair| pair[1].1 == Some(pair[0].0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_waited_for() {
    let hub = Hub::new().await;
    let (proxy, url) = Proxy::before(&hub).await;
    let relay = Running::start(hub.options("one", 2), &url, accept_all(), no_tails());
    hub.append(0, 100).await;
    hub.wait_through(100).await;
    for round in 1..=2_usize {
        proxy.cut();
        hub.append(round * 100, 100).await;
        // Shorter than the lease in the first round, longer in the second.
        tokio::time::sleep(Duration::from_millis(if round == 1 { 700 } else { 3_000 })).await;
        proxy.mend();
        hub.wait_through(i64::try_from(round).unwrap() * 100 + 100)
            .await;
    }
    relay.stop().await;
    check_promise(&read_all(&hub), 300);
}
