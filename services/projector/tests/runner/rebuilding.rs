//! Rebuilding beside the live table, under live traffic.

use std::time::Duration;

use dragoman_projector::{ProjectorError, rebuild};
use serde_json::json;

use crate::support::{Relay, Running, World, broken, definition, event, eventually, sales, total};

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_under_live_traffic_equals_the_fold() {
    for over_kafka in [true, false] {
        let world = World::new().await;
        let mut relay = Relay::start(&world, 3).await;
        let sales = sales(&world);
        world.append(0, 3_000).await;
        relay.flow().await;
        let running = if over_kafka {
            Running::over_kafka(&world, &sales, "one")
        } else {
            Running::by_ledger(&world, &sales, "one")
        };
        world.level(&sales).await;
        let (store, target) = (world.store.clone(), world.target());
        let rebuilding = tokio::spawn({
            let sales = std::sync::Arc::clone(&sales);
            async move { rebuild(&sales, &store, &target, "rebuilder", &|_| {}).await }
        });
        let mut number = 3_000;
        while !rebuilding.is_finished() {
            world.append(number, 50).await;
            relay.flow().await;
            number += 50;
        }
        let outcome = rebuilding.await.unwrap().unwrap();
        assert_eq!(outcome.generation, 2);
        assert!(outcome.applied >= 3_000);
        world.append(number, 200).await;
        relay.flow().await;
        let account = world.level(&sales).await;
        assert_eq!(account.applied, world.head().await);
        assert_eq!(world.rows().await, world.fold(|_| true).await);
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_definition_halts_until_it_is_rebuilt() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    world.append(0, 100).await;
    relay.flow().await;
    let running = Running::over_kafka(&world, &sales(&world), "one");
    world.level(&sales(&world)).await;
    running.stop().await;
    let only_orders = definition(&world, &["order.placed"], &json!({}));
    let halt = Running::over_kafka(&world, &only_orders, "two")
        .halted()
        .await;
    assert_eq!(halt.code(), "definition_changed");
    assert!(halt.remedy().contains("dragoman rebuild sales"));
    let target = world.target();
    rebuild(&only_orders, &world.store, &target, "rebuilder", &|_| {})
        .await
        .unwrap();
    let running = Running::over_kafka(&world, &only_orders, "two");
    world.append(100, 100).await;
    relay.flow().await;
    world.level(&only_orders).await;
    let wanted = world
        .fold(|event| event.event.event_type == "order.placed")
        .await;
    assert_eq!(world.rows().await, wanted);
    eventually("the halt is taken back", || async {
        world.store.halts().await.unwrap().is_empty()
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_cannot_be_says_why() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let total = total(&world);
    let target = world.target();
    let rebuilt = || async { rebuild(&total, &world.store, &target, "two", &|_| {}).await };
    let never = rebuilt().await.unwrap_err();
    assert_eq!(never.code(), "never_opened");
    let events = vec![event(0), broken(1), event(2)];
    world.append_events(events).await;
    relay.seal().await;
    let running = Running::by_ledger(&world, &total, "one");
    eventually("it stops", || async {
        target
            .parked("sales")
            .await
            .is_ok_and(|parked| parked.len() == 1)
    })
    .await;
    let stopped = rebuilt().await.unwrap_err();
    assert!(
        matches!(&stopped, ProjectorError::RebuildStopped { event, .. } if event.position.0 == 2),
        "{stopped:?}"
    );
    target
        .skip("sales", "order-1", false, "a test")
        .await
        .unwrap();
    world.level(&total).await;
    let outcome = rebuilt().await.unwrap();
    assert_eq!((outcome.applied, outcome.position.0), (2, 3));
    assert_eq!(
        world.rows().await,
        world.fold(|event| event.position.0 != 2).await
    );
    running.stop().await;
    let lease = world
        .store
        .acquire_lease("rebuild sales", "three", Duration::from_secs(60));
    lease.await.unwrap().unwrap();
    let busy = rebuilt().await.unwrap_err();
    assert_eq!(busy.code(), "rebuild_runs");
}
