//! Nothing goes wrong.

use std::sync::Arc;

use dragoman_relay::{RelayOptions, SchemaCheck};

use crate::support::{
    Hub, Running, check_promise, event, eventually, no_tails, read, read_all, read_topic,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_sealed_published_and_marked() {
    let hub = Hub::new().await;
    let relay = hub.start(hub.options("one", 3));
    hub.append(0, 500).await;
    hub.wait_through(500).await;
    hub.append(500, 20).await;
    hub.wait_through(520).await;
    relay.stop().await;
    assert_eq!(check_promise(&read_all(&hub), 520), 0);
    let topics = hub.store.topics().await.unwrap();
    assert!(topics.iter().all(|topic| topic.partitions == Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_it_only_seals() {
    let hub = Hub::new().await;
    let relay = hub.start(RelayOptions::new("one", None));
    hub.append(0, 100).await;
    eventually("all is sealed", || async { hub.head().await == 100 }).await;
    relay.stop().await;
    assert_eq!(hub.through().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_new_gets_its_topic_while_the_relay_runs() {
    let hub = Hub::new().await;
    let relay = hub.start(hub.options("one", 2));
    hub.append(0, 10).await;
    hub.wait_through(10).await;
    let parcels = format!("{}.parcels", hub.orders);
    hub.catalogue(&[
        ("order.placed", &hub.orders),
        ("stock.counted", &hub.stock),
        ("parcel.sent", &parcels),
    ])
    .await;
    let mut event = event(10);
    event.event_type = "parcel.sent".into();
    hub.append_events(vec![event]).await;
    hub.append(11, 10).await;
    hub.wait_through(21).await;
    relay.stop().await;
    assert_eq!(read_topic(&parcels).len(), 1);
    assert_eq!(
        check_promise(&read(&[&hub.orders, &hub.stock, &parcels]), 21),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_by_sql_that_break_their_schema_are_reported_and_published() {
    let hub = Hub::new().await;
    let check: SchemaCheck = Arc::new(|event| {
        if event.id == "id-2" {
            return Err("/number is odd".into());
        }
        Ok(())
    });
    let relay = Running::start(hub.options("one", 1), &hub.url, check, no_tails());
    hub.append_events((1..=3).map(event).collect()).await;
    hub.append(4, 2).await;
    hub.wait_through(5).await;
    eventually("the violation is recorded", || async {
        let (count, newest) = hub.store.schema_violations(10).await.unwrap();
        count == 1 && newest[0].identity.id == "id-2" && newest[0].message == "/number is odd"
    })
    .await;
    relay.stop().await;
    assert_eq!(check_promise(&read_all(&hub), 5), 0);
}
