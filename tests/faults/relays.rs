//! The relay dies or freezes with events on their way to Kafka.

use std::time::Duration;

use dragoman_tests::{
    Kafka, Passage, Process, Project, SqlLoad, check_history, check_kafka, end_leases, eventually,
    freeze_in_flight, in_kafka, note, shared_kafka, shared_postgres, wait_for_topics,
    wait_until_published,
};
use sqlx::Executor as _;

/// How many events must be on their way at the moment of a kill.
const IN_FLIGHT: i64 = 1_000;

pub(crate) async fn killed_ten_times() {
    let project = project().await;
    let mut relay = project.relay();
    wait_for_topics(&project, &mut relay).await;
    let load = SqlLoad::start(&project.database, 2_200, Duration::from_millis(800));
    for round in 0..10 {
        freeze_with_events_in_flight(&project, &mut relay).await;
        relay.kill();
        // Twice its successor waits for the lease of the dead one, as it would; else
        // that waiting is left out.
        if round % 5 != 0 {
            end_leases(&project.database).await;
        }
        relay = project.relay();
    }
    let history = load.stop().await;
    wait_until_published(&project).await;
    relay.stop().await;
    let log = check_history(&project, &history).await;
    let repeats = check_kafka(&project, &log);
    note(&format!("{} events, {repeats} repeats", log.len()));
}

pub(crate) async fn frozen_past_its_lease() {
    let project = project().await;
    let mut first = project.relay();
    wait_for_topics(&project, &mut first).await;
    let mut second = project.relay();
    let load = SqlLoad::start(&project.database, 2_200, Duration::from_millis(800));
    freeze_with_events_in_flight(&project, &mut first).await;
    let published = in_kafka(&project);
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
    wait_until_published(&project).await;
    second.stop().await;
    first.stop().await;
    let log = check_history(&project, &history).await;
    let repeats = check_kafka(&project, &log);
    note(&format!("{} events, {repeats} repeats", log.len()));
}

/// Its session is ended at the first thing that it writes.
pub(crate) async fn cut_off_while_it_starts() {
    let project = project().await;
    let mut holder = project.database.connect().await;
    for statement in ["begin", "lock table dragoman.event_types"] {
        let done = holder.execute(statement).await;
        done.expect("a table can be locked");
    }
    let mut relay = project.relay();
    let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
    eventually(
        "the relay waits for the catalogue, and no longer",
        async || project.database.number(ended).await > 0,
    )
    .await;
    holder.execute("rollback").await.expect("it can be let go");
    wait_for_topics(&project, &mut relay).await;
    relay.stop().await;
}

/// Freezes a relay at a random moment, with events sealed that are not in Kafka.
async fn freeze_with_events_in_flight(project: &Project, relay: &mut Process) {
    let more = rand::random_range(0..2 * IN_FLIGHT);
    freeze_in_flight(relay, Passage::Relay(project), IN_FLIGHT, more).await;
}

async fn project() -> Project {
    Project::create(&shared_postgres(), Some(Kafka::at(&shared_kafka())), &[]).await
}
