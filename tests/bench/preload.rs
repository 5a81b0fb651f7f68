//! Events that are in the log before a contender starts.

use std::sync::Arc;

use chrono::Utc;
use dragoman_core::{Event, JSON};
use dragoman_store::{AppendOutcome, AppendRequest, Store, StoreOptions};
use dragoman_tests::{Kafka, Project};
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
pub(crate) async fn append(project: &Project, events: std::ops::Range<i64>) {
    let store = Store::connect(&project.database.url(), &StoreOptions::default())
        .expect("the URL can be read");
    let adapter: Arc<str> = Arc::from("api");
    let (mut next, end) = (events.start as u64, events.end as u64);
    while next < end {
        let until = end.min(next + TOGETHER);
        let requests: Vec<AppendRequest> = (next..until)
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
        next = until;
    }
    store.close().await;
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
