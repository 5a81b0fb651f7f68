//! The relay dies or freezes with events on their way to Kafka.

use std::time::{Duration, Instant};

use dragoman_tests::{
    Kafka, Process, Project, SqlLoad, check_history, check_kafka, end_leases, ends, eventually,
    exists, sealed_head, shared_kafka, shared_postgres, stored,
};

/// How many events must be on their way at the moment of a kill.
const IN_FLIGHT: i64 = 1_000;

pub(crate) async fn killed_ten_times() {
    let project = project().await;
    let mut relay = project.relay();
    wait_for_topics(&project, &mut relay).await;
    let load = SqlLoad::start(&project.database, 1_500, Duration::from_millis(300));
    let mut published = 0;
    for round in 0..10 {
        published = freeze_with_events_in_flight(&project, &mut relay, published).await;
        relay.kill();
        // Twice its successor waits for the lease of the dead one, as it would; else
        // that waiting is left out.
        if round % 5 != 0 {
            end_leases(&project.database).await;
        }
        relay = project.relay();
    }
    let history = load.stop().await;
    wait_until_all_is_published(&project).await;
    relay.stop().await;
    let log = check_history(&project, &history).await;
    check_kafka(&project, &log);
}

pub(crate) async fn frozen_past_its_lease() {
    let project = project().await;
    let mut first = project.relay();
    wait_for_topics(&project, &mut first).await;
    let mut second = project.relay();
    let load = SqlLoad::start(&project.database, 1_500, Duration::from_millis(600));
    let published = freeze_with_events_in_flight(&project, &mut first, 0).await;
    eventually("the second relay has taken over", async || {
        in_kafka(&project) > published + 3 * IN_FLIGHT
    })
    .await;
    // It wakes with what it was about to publish, and must find that it is not the one.
    first.wake();
    let woken = in_kafka(&project);
    eventually("events go on flowing", async || {
        in_kafka(&project) > woken + 3 * IN_FLIGHT
    })
    .await;
    first.assert_running();
    let history = load.stop().await;
    wait_until_all_is_published(&project).await;
    second.stop().await;
    first.stop().await;
    let log = check_history(&project, &history).await;
    check_kafka(&project, &log);
}

async fn project() -> Project {
    Project::create(&shared_postgres(), Some(Kafka::at(&shared_kafka())), &[]).await
}

/// Freezes a relay at a random moment at which enough events are sealed and not in Kafka,
/// by the ledger and by Kafka's own end offsets, and at which it has published something
/// since Kafka held that many. Returns how many Kafka holds.
async fn freeze_with_events_in_flight(project: &Project, relay: &mut Process, since: i64) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..80))).await;
        relay.freeze();
        let sealed = sealed_head(&project.database).await;
        let published = in_kafka(project);
        if published > since && sealed - published >= IN_FLIGHT {
            return published;
        }
        relay.wake();
        assert!(
            Instant::now() < deadline,
            "never were enough events in flight: {sealed} sealed, {published} in Kafka"
        );
    }
}

fn in_kafka(project: &Project) -> i64 {
    let topics = project.topics().map(|(_, topic)| topic);
    ends(
        &project.kafka().brokers,
        &topics,
        project.kafka().partitions,
    )
}

async fn wait_for_topics(project: &Project, relay: &mut Process) {
    for (_, topic) in project.topics() {
        eventually("the relay has made its topics", async || {
            relay.assert_running();
            exists(&project.kafka().brokers, topic)
        })
        .await;
    }
}

async fn wait_until_all_is_published(project: &Project) {
    let all = stored(&project.database).await;
    eventually("all is published", async || {
        project.status()["log"]["published"] == all
    })
    .await;
}
