//! Events that came by SQL are checked against their schema after they are sealed:
//! inside the publisher's transaction nobody could. Off the way of everybody else's.

use std::sync::Arc;

use dragoman_core::{Event, RecordedEvent, chain};
use dragoman_store::{SchemaViolation, Store};
use tokio::sync::mpsc;

use crate::telemetry;

/// Says what is wrong with an event's data, by the schema of its type, if anything.
/// Runs on a thread that may be kept busy.
pub type SchemaCheck = Arc<dyn Fn(&Event) -> Result<(), String> + Send + Sync>;

/// How many batches may wait to be checked before sealing waits for them.
const WAITING: usize = 16;

/// Where sealed events that came by SQL are handed in.
pub(crate) type Unchecked = mpsc::Sender<Vec<RecordedEvent>>;

/// The end that [`check_loop`] takes from.
pub(crate) fn unchecked() -> (Unchecked, mpsc::Receiver<Vec<RecordedEvent>>) {
    mpsc::channel(WAITING)
}

/// Checks what comes until nobody hands in any more.
pub(crate) async fn check_loop(
    store: Store,
    check: SchemaCheck,
    mut batches: mpsc::Receiver<Vec<RecordedEvent>>,
) {
    while let Some(events) = batches.recv().await {
        check_step(&store, &check, events).await;
    }
}

/// Checks some events and reports those that break their schema. Returns how many.
pub(crate) async fn check_step(
    store: &Store,
    check: &SchemaCheck,
    events: Vec<RecordedEvent>,
) -> usize {
    let check = Arc::clone(check);
    let checking = tokio::task::spawn_blocking(move || violations(&check, &events));
    let Ok(violations) = checking.await else {
        tracing::error!("checking events against their schemas ended unexpectedly");
        return 0;
    };
    if violations.is_empty() {
        return 0;
    }
    telemetry::schema_violations(violations.len());
    for violation in &violations {
        tracing::warn!(
            event = %violation.identity,
            event_type = %violation.event_type,
            problem = %violation.message,
            "an event that came by SQL breaks its schema"
        );
    }
    if let Err(error) = store.report_schema_violations(&violations).await {
        tracing::error!(error = %chain(&error), "schema violations could not be recorded");
    }
    violations.len()
}

fn violations(check: &SchemaCheck, events: &[RecordedEvent]) -> Vec<SchemaViolation> {
    events
        .iter()
        .filter_map(|recorded| {
            let message = check(&recorded.event).err()?;
            Some(SchemaViolation {
                identity: recorded.identity(),
                event_type: recorded.event.event_type.clone(),
                message,
            })
        })
        .collect()
}
