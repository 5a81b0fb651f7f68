//! The ingest's metrics, by name.

use std::time::Duration;

use dragoman_store::{AppendOutcome, AppendRequest, Appended};

use crate::queue::Reply;

/// Names and units, for whoever exports them. Call once per process.
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(
        "dragoman_ingest_stored_events_total",
        Unit::Count,
        "Events put into the log, by adapter"
    );
    describe_counter!(
        "dragoman_ingest_duplicate_events_total",
        Unit::Count,
        "Events that were in the log already, by adapter"
    );
    describe_counter!(
        "dragoman_ingest_refused_events_total",
        Unit::Count,
        "Events and requests that were sent back, by adapter and reason"
    );
    describe_counter!(
        "dragoman_ingest_ignored_deliveries_total",
        Unit::Count,
        "Deliveries that held nothing for us, by adapter"
    );
    describe_counter!(
        "dragoman_ingest_quarantined_deliveries_total",
        Unit::Count,
        "Deliveries kept because they could not become events, by adapter and reason"
    );
    describe_histogram!(
        "dragoman_ingest_append_seconds",
        Unit::Seconds,
        "Time to write a batch"
    );
    describe_histogram!(
        "dragoman_ingest_append_events",
        Unit::Count,
        "Events in a batch"
    );
    describe_histogram!(
        "dragoman_ingest_request_seconds",
        Unit::Seconds,
        "Time from the head of a request to its answer, by door"
    );
    describe_gauge!(
        "dragoman_ingest_queued_requests",
        Unit::Count,
        "Requests that wait for a writer"
    );
    describe_gauge!(
        "dragoman_ingest_open_connections",
        Unit::Count,
        "Connections that are open"
    );
}

#[allow(
    clippy::cast_precision_loss,
    reason = "gauges and histograms are floats"
)]
const fn float(count: usize) -> f64 {
    count as f64
}

/// A batch was written, or not.
pub(crate) fn appended(requests: &[AppendRequest], replies: &[Reply], took: Duration) {
    let events: usize = requests.iter().map(|request| request.events.len()).sum();
    metrics::histogram!("dragoman_ingest_append_seconds").record(took.as_secs_f64());
    metrics::histogram!("dragoman_ingest_append_events").record(float(events));
    for (request, reply) in requests.iter().zip(replies) {
        let Ok(AppendOutcome::Appended(appended)) = reply else {
            continue;
        };
        let stored = appended
            .iter()
            .filter(|event| **event == Appended::Stored)
            .count();
        let adapter = &request.adapter;
        count("dragoman_ingest_stored_events_total", adapter, stored);
        count(
            "dragoman_ingest_duplicate_events_total",
            adapter,
            appended.len() - stored,
        );
    }
}

fn count(name: &'static str, adapter: &std::sync::Arc<str>, events: usize) {
    metrics::counter!(name, "adapter" => adapter.clone()).increment(events as u64);
}

pub(crate) fn refused(adapter: &std::sync::Arc<str>, events: usize, reason: &'static str) {
    metrics::counter!(
        "dragoman_ingest_refused_events_total",
        "adapter" => adapter.clone(),
        "reason" => reason
    )
    .increment(events as u64);
}

pub(crate) fn ignored(adapter: &std::sync::Arc<str>) {
    count("dragoman_ingest_ignored_deliveries_total", adapter, 1);
}

pub(crate) fn quarantined(adapter: &std::sync::Arc<str>, reason: &'static str) {
    metrics::counter!(
        "dragoman_ingest_quarantined_deliveries_total",
        "adapter" => adapter.clone(),
        "reason" => reason
    )
    .increment(1);
}

pub(crate) fn answered(door: &'static str, took: Duration) {
    metrics::histogram!("dragoman_ingest_request_seconds", "door" => door)
        .record(took.as_secs_f64());
}

pub(crate) fn queued(requests: usize) {
    metrics::gauge!("dragoman_ingest_queued_requests").set(float(requests));
}

pub(crate) fn connections(change: f64) {
    metrics::gauge!("dragoman_ingest_open_connections").increment(change);
}
