//! What Kafka lost is brought from the log, and reported.

use std::process::Command;

use dragoman_store::Gap;

use crate::support::{Relay, Running, World, eventually, sales, variable};

async fn gaps(world: &World) -> Vec<Gap> {
    world.store.gaps(100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_missing_in_the_middle_are_brought_from_the_log() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let sales = sales(&world);
    let running = Running::over_kafka(&world, &sales, "one");
    world.append(0, 100).await;
    relay.flow().await;
    world.level(&sales).await;
    world.append(100, 500).await;
    let events = relay.seal().await;
    relay
        .publish(&events, |event| !(201..=450).contains(&event.position.0))
        .await;
    relay.mark().await;
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    let found = gaps(&world).await;
    assert!(found.iter().all(|gap| !gap.at_end), "{found:?}");
    assert_eq!(found.iter().map(|gap| gap.events).sum::<i64>(), 250);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_lost_on_a_quiet_partition_is_noticed_and_brought() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let sales = sales(&world);
    let running = Running::over_kafka(&world, &sales, "one");
    world.append(0, 100).await;
    relay.flow().await;
    world.level(&sales).await;
    world.append(100, 80).await;
    let events = relay.seal().await;
    relay
        .publish(&events, |event| event.position.0 <= 120)
        .await;
    relay.mark().await;
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    let found = gaps(&world).await;
    assert!(found.iter().all(|gap| gap.at_end), "{found:?}");
    assert_eq!(found.iter().map(|gap| gap.events).sum::<i64>(), 60);
    // What comes behind goes on as if nothing had been.
    world.append(180, 50).await;
    relay.flow().await;
    world.level(&sales).await;
    assert_eq!(gaps(&world).await.len(), found.len());
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_truncated_while_the_projection_was_down_is_brought_from_the_log() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let sales = sales(&world);
    let running = Running::over_kafka(&world, &sales, "one");
    world.append(0, 100).await;
    relay.flow().await;
    world.level(&sales).await;
    running.stop().await;
    world.append(100, 100).await;
    relay.flow().await;
    // Orders are emptied altogether; of stock (25 records of each hundred) some stay.
    delete_records(&[(&world.orders, -1), (&world.stock, 40)]);
    let running = Running::over_kafka(&world, &sales, "two");
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    eventually("both gaps are reported", || async {
        gaps(&world).await.len() == 2
    })
    .await;
    let found = gaps(&world).await;
    let of = |topic: &str| found.iter().find(|gap| gap.topic == topic).unwrap();
    assert_eq!(
        (of(&world.orders).events, of(&world.orders).at_end),
        (75, true)
    );
    assert_eq!(
        (of(&world.stock).events, of(&world.stock).at_end),
        (15, false)
    );
    running.stop().await;
}

/// Deletes what partition 0 of each topic holds before an offset; -1: all of it.
fn delete_records(before: &[(&str, i64)]) {
    let partitions: Vec<serde_json::Value> = before
        .iter()
        .map(|(topic, offset)| {
            serde_json::json!({ "topic": topic, "partition": 0, "offset": offset })
        })
        .collect();
    let file = std::env::temp_dir().join(format!("{}.json", before[0].0));
    let wanted = serde_json::json!({ "partitions": partitions, "version": 1 });
    std::fs::write(&file, wanted.to_string()).unwrap();
    let status = Command::new("java")
        .arg("-cp")
        .arg(format!("{}/*", variable("DRAGOMAN_TEST_KAFKA_LIBS")))
        .arg("org.apache.kafka.tools.DeleteRecordsCommand")
        .args(["--bootstrap-server", &variable("DRAGOMAN_TEST_KAFKA")])
        .arg("--offset-json-file")
        .arg(&file)
        .output()
        .expect("java is installed");
    std::fs::remove_file(&file).unwrap();
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
}
