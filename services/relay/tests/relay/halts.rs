//! What a relay must not work with.

use std::sync::Arc;
use std::time::Duration;

use dragoman_core::{Identity, Position};
use dragoman_relay::{KnownTails, LEASE, RelayError, RelayOptions};
use dragoman_store::Tail;
use dragoman_stream::{Topics, WantedTopic};

use crate::support::{
    Hub, Proxy, Running, accept_all, administer, check_promise, no_tails, read_all,
};

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_partitions_halts_it() {
    let hub = Hub::new().await;
    let wanted = WantedTopic {
        topic: hub.orders.clone(),
        partitions: Some(2),
    };
    Topics::connect(&hub.kafka(2))
        .unwrap()
        .ensure(&[wanted])
        .await
        .unwrap();
    hub.store
        .record_topic(&hub.orders, 3, 1_000_000)
        .await
        .unwrap();
    hub.append(0, 10).await;
    let halt = hub.start(hub.options("one", 2)).halted().await;
    assert!(matches!(
        &halt,
        RelayError::PartitionsChanged {
            recorded: 3,
            found: 2,
            ..
        }
    ));
    let halts = hub.store.halts().await.unwrap();
    assert_eq!(halts[0].component, LEASE);
    assert_eq!(halts[0].code, "partitions_changed");
    assert_eq!(hub.head().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_older_than_kafka_halts_it_before_it_seals() {
    let hub = Hub::new().await;
    let relay = hub.start(hub.options("one", 2));
    hub.append(0, 50).await;
    hub.wait_through(50).await;
    relay.stop().await;
    let older = hub.copy().await;
    let hub = hub.again().await;
    let relay = hub.start(hub.options("one", 2));
    hub.append(50, 50).await;
    hub.wait_through(100).await;
    relay.stop().await;
    older.append(1_000, 70).await;
    let halt = older.start(older.options("restored", 2)).halted().await;
    assert!(matches!(halt, RelayError::Lineage { .. }), "{halt:?}");
    assert_eq!(older.head().await, 50);
    check_promise(&read_all(&hub), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_another_history_halts_it_before_it_seals() {
    let hub = Hub::new().await;
    hub.append(0, 5).await;
    let tails: KnownTails = Arc::new(|| {
        Box::pin(async {
            vec![Tail {
                whose: "projection sales".into(),
                identity: Identity {
                    position: Position(7),
                    source: "/shop".into(),
                    id: "gone".into(),
                },
            }]
        })
    });
    let options = RelayOptions::new("one", None);
    let halt = Running::start(options, &hub.url, accept_all(), tails)
        .halted()
        .await;
    assert_eq!(halt.code(), "lineage");
    assert_eq!(hub.head().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_older_halts_it_before_it_seals() {
    let hub = Hub::new().await;
    let relay = hub.start(hub.options("one", 2));
    hub.append(0, 50).await;
    hub.wait_through(50).await;
    relay.stop().await;
    let older = hub.copy().await;
    let hub = hub.again().await;
    let (proxy, url) = Proxy::before(&hub).await;
    let mut options = hub.options("two", 2);
    options.lease_ttl = Duration::from_secs(30);
    let relay = Running::start(options, &url, accept_all(), no_tails());
    hub.append(50, 50).await;
    hub.wait_through(100).await;
    older.append(1_000, 70).await;
    // It had the lease then too, and it has not run out in the copy.
    let ttl = Duration::from_secs(30);
    older.store.acquire_lease(LEASE, "two", ttl).await.unwrap();
    proxy.cut();
    hub.store.close().await;
    older.store.close().await;
    let swap = format!("{}_younger", hub.database);
    for (from, to) in [(&hub.database, &swap), (&older.database, &hub.database)] {
        administer(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{from}'"
        ))
        .await;
        administer(&format!("alter database {from} rename to {to}")).await;
    }
    proxy.mend();
    let halt = relay.halted().await;
    assert!(matches!(halt, RelayError::Lineage { .. }), "{halt:?}");
    assert_eq!(hub.again().await.head().await, 50);
}
