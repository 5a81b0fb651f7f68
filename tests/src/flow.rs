//! How far events have come: in the log, in Kafka, in a table.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use crate::log::stored_orders;
use crate::{
    Database, Process, Project, end_offsets, eventually, exists, note, sealed_head, stored,
};

/// How many events are on one side of a process and on the other.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Those that it is to pass on.
    pub before: i64,
    /// Those that it has passed on.
    pub behind: i64,
}

/// Sealed events, and those of them that Kafka holds by its own end offsets.
pub async fn through_relay(project: &Project) -> Flow {
    Flow {
        before: sealed_head(&project.database).await,
        behind: in_kafka(project),
    }
}

/// Orders that Kafka holds by its own end offsets, and those that the table of
/// [`tally`](crate::tally) has counted.
pub async fn through_projection(project: &Project, target: &Database, table: &str) -> Flow {
    let [(_, orders), _] = project.topics();
    let kafka = project.kafka();
    let ends = end_offsets(&kafka.brokers, orders, kafka.partitions);
    Flow {
        before: ends.into_values().sum(),
        behind: applied(target, table).await,
    }
}

/// How many records the topics of a project have ever held.
#[must_use]
pub fn in_kafka(project: &Project) -> i64 {
    let kafka = project.kafka();
    project
        .topics()
        .into_iter()
        .flat_map(|(_, topic)| end_offsets(&kafka.brokers, topic, kafka.partitions).into_values())
        .sum()
}

/// How many events a table has counted. Nothing when there is no such table yet.
pub async fn applied(target: &Database, table: &str) -> i64 {
    let mut connection = target.connect().await;
    let query = format!("select coalesce(sum(events), 0)::bigint from {table}");
    match sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(&mut connection)
        .await
    {
        Ok(applied) => applied,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => 0,
        Err(error) => panic!("{table} cannot be read: {error}"),
    }
}

/// Freezes a process at a random moment at which at least so many events are before it
/// and not behind it, and at which it has passed on something since there were `since`
/// behind it. Returns how many are behind it now.
///
/// # Panics
/// When there is no such moment within a minute and a half.
pub async fn freeze_in_flight(
    process: &mut Process,
    least: i64,
    since: i64,
    look: impl AsyncFn() -> Flow,
) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..80))).await;
        process.freeze();
        let flow = settled(&look).await;
        if flow.behind > since && flow.before - flow.behind >= least {
            note(&format!(
                "{} stands with {} events in flight, {} passed on",
                process.label(),
                flow.before - flow.behind,
                flow.behind
            ));
            return flow.behind;
        }
        process.wake();
        assert!(
            Instant::now() < deadline,
            "never were {least} events in flight after {since} were passed on: {flow:?}"
        );
    }
}

/// Looks until nothing moves behind the frozen process: what it had handed over may
/// still be carried out by a server.
async fn settled(look: &impl AsyncFn() -> Flow) -> Flow {
    let mut flow = look().await;
    loop {
        let next = look().await;
        if next.behind == flow.behind {
            return next;
        }
        flow = next;
    }
}

/// Waits until the relay has made the topics of a project.
pub async fn wait_for_topics(project: &Project, relay: &mut Process) {
    for (_, topic) in project.topics() {
        eventually("the relay has made its topics", async || {
            relay.assert_running();
            exists(&project.kafka().brokers, topic)
        })
        .await;
    }
}

/// Waits until everything that is stored is published, as the hub says; for judging
/// there are judges.
pub async fn wait_until_published(project: &Project) {
    let all = stored(&project.database).await;
    eventually("all that is stored is published", async || {
        project.status()["log"]["published"] == all
    })
    .await;
}

/// Waits until a table has counted every order that is stored, or more.
pub async fn wait_until_applied(project: &Project, target: &Database, table: &str) {
    let all = stored_orders(&project.database).await;
    eventually("every order that is stored is counted", async || {
        applied(target, table).await >= all
    })
    .await;
}
