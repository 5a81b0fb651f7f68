//! The relay's metrics, by name.

use std::time::Duration;

use chrono::{DateTime, Utc};

#[allow(
    clippy::cast_precision_loss,
    reason = "gauges and histograms are floats"
)]
fn gauge(name: &'static str, value: usize) {
    metrics::gauge!(name).set(value as f64);
}

/// Names and units, for whoever exports them. Call once per process.
pub fn describe_metrics() {
    use metrics::Unit;
    metrics::describe_gauge!(
        "dragoman_relay_leader",
        "1 while this process seals and publishes, 0 while it stands by"
    );
    metrics::describe_counter!(
        "dragoman_relay_sealed_events_total",
        Unit::Count,
        "Events given their position"
    );
    metrics::describe_counter!(
        "dragoman_relay_late_events_total",
        Unit::Count,
        "Events that became visible after a later one was sealed"
    );
    metrics::describe_counter!(
        "dragoman_relay_published_events_total",
        Unit::Count,
        "Events acknowledged by Kafka"
    );
    metrics::describe_counter!(
        "dragoman_relay_schema_violations_total",
        Unit::Count,
        "Events that came by SQL and break their schema"
    );
    metrics::describe_counter!(
        "dragoman_relay_lost_tails_total",
        Unit::Count,
        "Partitions that were found shorter than they had been"
    );
    metrics::describe_counter!(
        "dragoman_relay_replaced_producers_total",
        Unit::Count,
        "Kafka clients that had stopped delivering while Kafka was well, and were replaced"
    );
    metrics::describe_histogram!(
        "dragoman_relay_seal_seconds",
        Unit::Seconds,
        "Time to seal a batch"
    );
    metrics::describe_histogram!(
        "dragoman_relay_publish_seconds",
        Unit::Seconds,
        "Time from storing an event to Kafka's acknowledgement, one of each round"
    );
    metrics::describe_gauge!(
        "dragoman_relay_lag_events",
        Unit::Count,
        "Sealed events that Kafka has not acknowledged"
    );
    metrics::describe_gauge!(
        "dragoman_relay_lag_seconds",
        Unit::Seconds,
        "Age of the oldest sealed event that Kafka has not acknowledged"
    );
    metrics::describe_gauge!(
        "dragoman_relay_in_flight_events",
        Unit::Count,
        "Events given to Kafka and not acknowledged"
    );
}

pub(crate) fn leader(leads: bool) {
    gauge("dragoman_relay_leader", usize::from(leads));
}

pub(crate) fn sealed(events: usize, late: usize, took: Duration) {
    metrics::counter!("dragoman_relay_sealed_events_total").increment(events as u64);
    metrics::counter!("dragoman_relay_late_events_total").increment(late as u64);
    metrics::histogram!("dragoman_relay_seal_seconds").record(took.as_secs_f64());
}

/// Some events were acknowledged; the last of them was stored then.
pub(crate) fn published(events: usize, last_stored_at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    metrics::counter!("dragoman_relay_published_events_total").increment(events as u64);
    if let Some(age) = last_stored_at.and_then(|stored_at| (now - stored_at).to_std().ok()) {
        metrics::histogram!("dragoman_relay_publish_seconds").record(age.as_secs_f64());
    }
}

pub(crate) fn lag(
    events: i64,
    oldest: Option<DateTime<Utc>>,
    in_flight: usize,
    now: DateTime<Utc>,
) {
    gauge(
        "dragoman_relay_lag_events",
        usize::try_from(events).unwrap_or(0),
    );
    gauge("dragoman_relay_in_flight_events", in_flight);
    let age = oldest
        .and_then(|stored_at| (now - stored_at).to_std().ok())
        .unwrap_or_default();
    metrics::gauge!("dragoman_relay_lag_seconds").set(age.as_secs_f64());
}

pub(crate) fn schema_violations(events: usize) {
    metrics::counter!("dragoman_relay_schema_violations_total").increment(events as u64);
}

pub(crate) fn producer_replaced() {
    metrics::counter!("dragoman_relay_replaced_producers_total").increment(1);
}

pub(crate) fn lost_tail() {
    metrics::counter!("dragoman_relay_lost_tails_total").increment(1);
}
