//! How far events have come: in the log, in Kafka, in a table.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use crate::log::stored_orders;
use crate::{
    Database, Process, Project, end_offsets, eventually, exists, note, sealed_head, stored,
};

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
pub(crate) fn orders_in_kafka(project: &Project) -> i64 {
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

/// A process that events pass through, with what is on both sides of it.
#[derive(Debug, Clone, Copy)]
pub enum Passage<'a> {
    /// From the ledger to Kafka.
    Relay(&'a Project),
    /// From Kafka to a table that [`tally`](crate::tally) keeps.
    Projection {
        /// The project.
        project: &'a Project,
        /// The database of the table.
        target: &'a Database,
        /// The table.
        table: &'a str,
    },
}

impl Passage<'_> {
    /// Events that are there for the process to take up.
    async fn supply(self) -> i64 {
        match self {
            Self::Relay(project) => stored(&project.database).await,
            Self::Projection { .. } => self.before().await,
        }
    }

    /// Events that it must bring to the other side: sealed, or in Kafka by Kafka's own
    /// end offsets.
    async fn before(self) -> i64 {
        match self {
            Self::Relay(project) => sealed_head(&project.database).await,
            Self::Projection { project, .. } => orders_in_kafka(project),
        }
    }

    /// Events that it has brought there: in Kafka by its own end offsets, or counted by
    /// the table.
    async fn behind(self) -> i64 {
        match self {
            Self::Relay(project) => in_kafka(project),
            Self::Projection { target, table, .. } => applied(target, table).await,
        }
    }
}

/// Freezes a process at a random moment at which at least so many events are in flight:
/// are before it and not behind it. By then it has brought `more` events behind it.
///
/// # Panics
/// When there is no such moment within two minutes.
pub async fn freeze_in_flight(process: &mut Process, passage: Passage<'_>, least: i64, more: i64) {
    let deadline = Instant::now() + Duration::from_secs(120);
    let since = passage.behind().await;
    let mut last_behind = since;
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..60))).await;
        process.freeze();
        let looked = Instant::now();
        let in_flight = passage.before().await - last_behind;
        if in_flight < least {
            gather(passage, last_behind + 2 * least).await;
            process.wake();
            continue;
        }
        // Asking what is behind takes longer, and it never becomes less.
        let settled = settled(passage, last_behind).await;
        let in_flight = in_flight + last_behind - settled;
        if settled > since + more && in_flight >= least {
            note(&format!(
                "{} stands with {in_flight} events in flight, {settled} passed on",
                process.label(),
            ));
            return;
        }
        last_behind = settled;
        process.wake();
        // So that looking does not starve it.
        tokio::time::sleep(looked.elapsed()).await;
    }
    panic!("never were {least} events in flight after {since} and {more}; {last_behind} passed on");
}

/// Waits, with the process frozen, until there is enough for it to take up: one that
/// keeps up would hardly be met with much in hand. Not so long that it loses its place.
async fn gather(passage: Passage<'_>, enough: i64) {
    let deadline = Instant::now() + Duration::from_secs(4);
    while passage.supply().await < enough && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Looks until nothing moves behind the frozen process: what it had handed over may
/// still be carried out by a server.
async fn settled(passage: Passage<'_>, mut last: i64) -> i64 {
    loop {
        let next = passage.behind().await;
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
        let status = project.status();
        status.is_ok_and(|status| status["log"]["published"].as_i64() >= Some(all))
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
