//! Following Kafka: once, whatever is killed, repeated, moved or switched.

use serde_json::json;

use crate::support::{Relay, Running, World, definition, eventually, sales, sales_of_one_topic};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_counts_once_whoever_is_killed_or_joins() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 4).await;
    let sales = sales(&world);
    let mut first = Running::over_kafka(&world, &sales, "one");
    let mut number = 0;
    for round in 0..4 {
        // Before there is anything to apply: a quick one may be level any moment after.
        let before = world.account(&sales).await.applied;
        world.append(number, 1_000).await;
        number += 1_000;
        relay.flow().await;
        let second = Running::over_kafka(&world, &sales, "two");
        eventually("something is applied", || async {
            world.account(&sales).await.applied > before
        })
        .await;
        // One leaves in good order, or as a crash would, in the middle of its work.
        if round % 2 == 0 {
            first.crash().await;
        } else {
            first.stop().await;
        }
        first = second;
    }
    let account = world.level(&sales).await;
    assert_eq!(account.applied, 4_000);
    assert_eq!(account.position.0, 4_000);
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    assert!(world.store.gaps(10).await.unwrap().is_empty());
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_come_again_are_dropped() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let sales = sales(&world);
    let running = Running::over_kafka(&world, &sales, "one");
    world.append(0, 200).await;
    relay.flow().await;
    world.level(&sales).await;
    relay.repeat(&world.log().await[50..150]).await;
    world.append(200, 50).await;
    relay.flow().await;
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    assert!(world.store.gaps(10).await.unwrap().is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_between_kafka_and_the_ledger_applies_nothing_twice_and_loses_nothing() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 3).await;
    let sales = sales(&world);
    for round in 0..4 {
        let before = world.account(&sales).await.applied;
        world.append(round * 300, 300).await;
        // What the partitions have not got when the ledger takes over differs.
        let events = relay.seal().await;
        relay.publish(&events, |_| true).await;
        relay.mark().await;
        let running = if round % 2 == 0 {
            Running::by_ledger(&world, &sales, "one")
        } else {
            Running::over_kafka(&world, &sales, "one")
        };
        eventually("it is under way", || async {
            world.account(&sales).await.applied > before
        })
        .await;
        running.stop().await;
    }
    let running = Running::over_kafka(&world, &sales, "one");
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_the_other_mode_does_not_go_on_beside() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let sales = sales(&world);
    world.append(0, 100).await;
    relay.flow().await;
    let by_ledger = Running::by_ledger(&world, &sales, "old");
    world.level(&sales).await;
    let over_kafka = Running::over_kafka(&world, &sales, "new");
    world.append(100, 300).await;
    relay.flow().await;
    let account = world.level(&sales).await;
    assert_eq!(account.applied, 400);
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    by_ledger.stop().await;
    over_kafka.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_from_now_has_nothing_of_what_was_before() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    world.append(0, 100).await;
    relay.flow().await;
    let sales = definition(&world, &["order.placed"], &json!({ "from": "now" }));
    let running = Running::over_kafka(&world, &sales, "one");
    eventually("it is open", || async {
        world.target().look("sales").await.unwrap().is_some()
    })
    .await;
    world.append(100, 100).await;
    relay.flow().await;
    let account = world.level(&sales).await;
    assert_eq!(account.applied, 75);
    let wanted = world
        .fold(|event| event.position.0 > 100 && event.event.event_type == "order.placed")
        .await;
    assert_eq!(world.rows().await, wanted);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_moves_to_another_topic_brings_all_of_its_events_once() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let apart = sales(&world);
    let running = Running::over_kafka(&world, &apart, "one");
    world.append(0, 200).await;
    relay.flow().await;
    world.level(&apart).await;
    running.stop().await;
    // These are in the old topic only, and not applied yet.
    world.append(200, 100).await;
    relay.flow().await;
    relay
        .move_type(&world, "stock.counted", &world.orders)
        .await;
    world.append(300, 100).await;
    relay.flow().await;
    let together = sales_of_one_topic(&world);
    let halt = Running::over_kafka(&world, &together, "two").halted().await;
    assert_eq!(halt.code(), "definition_changed");
    world
        .target()
        .accept_definition(&together, "the topic moved")
        .await
        .unwrap();
    let running = Running::over_kafka(&world, &together, "two");
    let account = world.level(&together).await;
    assert_eq!(account.applied, 400);
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_above_the_end_of_the_ledger_halts_it() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let sales = sales(&world);
    let running = Running::over_kafka(&world, &sales, "one");
    world.append(0, 20).await;
    relay.flow().await;
    world.level(&sales).await;
    let mut strange = world.log().await.remove(0);
    strange.position.0 = 500;
    relay.publish(&[strange], |_| true).await;
    let halt = running.halted().await;
    assert_eq!(halt.code(), "lineage", "{halt:?}");
    assert_eq!(world.rows().await, world.fold(|_| true).await);
}
