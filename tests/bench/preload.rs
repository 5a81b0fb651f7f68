//! Events that are in the log before a contender starts.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;
use dragoman_core::{Event, JSON};
use dragoman_store::{AppendOutcome, AppendRequest, Store, StoreOptions};
use dragoman_tests::{Database, Kafka, Project, wait_until_published};
use serde_json::Value;

use crate::broker::PARTITIONS;
use crate::events;
use crate::servers::Servers;

/// How many events one statement stores, as ingest does under load.
const TOGETHER: u64 = 1_000;

/// A project with topics of its own.
pub(crate) async fn project(servers: &Servers, projections: &[(&str, Value)]) -> Project {
    let kafka = Kafka {
        partitions: PARTITIONS,
        ..Kafka::at(&servers.kafka)
    };
    Project::create(&servers.postgres, Some(kafka), projections).await
}

/// The topic of its events.
pub(crate) fn topic_of(project: &Project) -> &str {
    let [(_, orders), _] = project.topics();
    orders
}

/// Stores events in its log by the call that ingest stores them by.
pub(crate) async fn append(project: &Project, events: Range<i64>) {
    let store = open(&project.database);
    let (mut next, end) = (events.start as u64, events.end as u64);
    while next < end {
        let until = end.min(next + TOGETHER);
        store_together(&store, next..until).await;
        next = until;
    }
    store.close().await;
}

/// Stores events in its log, and lets a relay publish them.
pub(crate) async fn publish(project: &Project, events: Range<i64>) {
    append(project, events).await;
    let mut relay = project.relay();
    wait_until_published(project).await;
    relay.stop().await;
}

/// Stores so many events per second, some at a time, until it is aborted, and counts on.
pub(crate) async fn trickle(database: Database, stored: Arc<AtomicI64>, rate: i64, together: i64) {
    let store = open(&database);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) * together as u32 / rate as u32);
    loop {
        ticks.tick().await;
        let first = stored.load(Ordering::Relaxed) as u64;
        store_together(&store, first..first + together as u64).await;
        stored.fetch_add(together, Ordering::Relaxed);
    }
}

fn open(database: &Database) -> Store {
    Store::connect(&database.url(), &StoreOptions::default()).expect("the URL can be read")
}

async fn store_together(store: &Store, numbers: Range<u64>) {
    let adapter: Arc<str> = Arc::from("api");
    let requests: Vec<AppendRequest> = numbers
        .map(|number| AppendRequest {
            adapter: Arc::clone(&adapter),
            events: vec![event(number)],
        })
        .collect();
    for outcome in store.append(&requests).await {
        assert!(
            matches!(outcome, Ok(AppendOutcome::Appended(_))),
            "an event is not stored: {outcome:?}"
        );
    }
}

fn event(number: u64) -> Event {
    Event {
        id: events::id(number),
        source: events::SOURCE.to_owned(),
        event_type: events::TYPE.to_owned(),
        subject: events::subject(number),
        time: Utc::now(),
        content_type: JSON.to_owned(),
        data: events::data(number),
        traceparent: None,
        extensions: std::collections::BTreeMap::new(),
    }
}
