//! How far events have come: in the log, in Kafka, in a table.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use crate::log::stored_orders;
use crate::{Database, Process, Project, end_offsets, eventually, exists, note, stored};

/// How many events the topics of a project have taken, by Kafka's own end offsets.
#[must_use]
pub fn in_kafka(project: &Project) -> i64 {
    let kafka = project.kafka();
    project
        .topics()
        .into_iter()
        .flat_map(|(_, topic)| end_offsets(&kafka.brokers, topic, kafka.partitions).into_values())
        .sum()
}

/// The same for the topic of orders alone.
#[must_use]
pub fn orders_in_kafka(project: &Project) -> i64 {
    let kafka = project.kafka();
    let [(_, orders), _] = project.topics();
    let ends = end_offsets(&kafka.brokers, orders, kafka.partitions);
    ends.into_values().sum()
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

/// Freezes a process at a random moment at which at least so many events are in flight:
/// are `before` it and not `behind` it. By then it has brought `more` events behind it.
///
/// # Panics
/// When there is no such moment within a minute and a half.
pub async fn freeze_in_flight(
    process: &mut Process,
    least: i64,
    more: i64,
    before: impl AsyncFn() -> i64,
    behind: impl AsyncFn() -> i64,
) {
    let deadline = Instant::now() + Duration::from_secs(90);
    let since = behind().await;
    let mut last_behind = since;
    loop {
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..60))).await;
        process.freeze();
        let in_flight = before().await - last_behind;
        // Asking what is behind takes longer, and it never becomes less.
        if in_flight >= least {
            let settled = settled(last_behind, &behind).await;
            let in_flight = in_flight + last_behind - settled;
            if settled > since + more && in_flight >= least {
                note(&format!(
                    "{} stands with {in_flight} events in flight, {settled} passed on",
                    process.label(),
                ));
                return;
            }
            last_behind = settled;
        } else {
            // One that keeps up would never be met with so many: they gather while it stands.
            while before().await - last_behind < 3 * least && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        process.wake();
        assert!(
            Instant::now() < deadline,
            "never were {least} events in flight after {since} and {more}; {last_behind} passed on"
        );
    }
}

/// Looks until nothing moves behind the frozen process: what it had handed over may
/// still be carried out by a server.
async fn settled(mut last: i64, behind: &impl AsyncFn() -> i64) -> i64 {
    loop {
        let next = behind().await;
        if next == last {
            return next;
        }
        last = next;
    }
}

/// Waits until the relay has made the topics of a project.
pub async fn wait_for_topics(project: &Project, relay: &mut Process) {
    let kafka = project.kafka();
    for (_, topic) in project.topics() {
        eventually("the relay has made its topics", async || {
            relay.assert_running();
            exists(&kafka.brokers, topic, kafka.partitions)
        })
        .await;
    }
}

/// Waits until everything that is stored by now is published, as the hub says; for
/// judging there are judges.
pub async fn wait_until_published(project: &Project) {
    let all = stored(&project.database).await;
    eventually("all that is stored is published", async || {
        project.status()["log"]["published"].as_i64() >= Some(all)
    })
    .await;
}

/// Waits until a table has counted as many orders as are stored by now.
pub async fn wait_until_applied(project: &Project, target: &Database, table: &str) {
    let all = stored_orders(&project.database).await;
    eventually("every order that is stored is counted", async || {
        applied(target, table).await >= all
    })
    .await;
}
