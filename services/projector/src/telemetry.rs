//! The projector's metrics, by name. Each has the label `projection`; what a reader does
//! has the label `reader`, too.

use std::time::Duration;

use chrono::Utc;
use dragoman_core::RecordedEvent;

use crate::sinks::http::Verdict;
use crate::{Applied, Drained, Reader};

#[allow(
    clippy::cast_precision_loss,
    reason = "gauges and histograms are floats"
)]
fn gauge(name: &'static str, projection: &str, value: i64) {
    metrics::gauge!(name, "projection" => projection.to_owned()).set(value as f64);
}

fn count(name: &'static str, projection: &str, by: u64) {
    metrics::counter!(name, "projection" => projection.to_owned()).increment(by);
}

/// Names and units of the projector's metrics, for whoever exports them. Call once per
/// process.
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(
        "dragoman_projection_applied_events_total",
        Unit::Count,
        "Events that took effect, those of drained subjects too"
    );
    describe_counter!(
        "dragoman_projection_parked_events_total",
        Unit::Count,
        "Events that were parked, because they failed or their subject was parked before"
    );
    describe_counter!(
        "dragoman_projection_skipped_events_total",
        Unit::Count,
        "Events that were not applied because an operator had decided so"
    );
    describe_histogram!(
        "dragoman_projection_apply_seconds",
        Unit::Seconds,
        "Time of one transaction of the target"
    );
    describe_histogram!(
        "dragoman_projection_call_seconds",
        Unit::Seconds,
        "Time of one call to a receiver, by what it came to: done, rejected, again, hold"
    );
    describe_gauge!(
        "dragoman_projection_standing_still",
        "1 while nothing goes through to the receiver: it is down, or does not let the hub in"
    );
    describe_gauge!(
        "dragoman_projection_lag_seconds",
        Unit::Seconds,
        "Age of the newest event of a reader that took effect, when it did (over Kafka by its `time`); 0 when nothing waits"
    );
    describe_gauge!(
        "dragoman_projection_unread_events",
        Unit::Count,
        "Events of a reader (the ledger, or a partition that this process has) that it has not read yet"
    );
    describe_gauge!(
        "dragoman_projection_partitions",
        Unit::Count,
        "Partitions that this process reads"
    );
    describe_gauge!(
        "dragoman_projection_stopped",
        "1 while a total order waits at an event that fails"
    );
    describe_gauge!(
        "dragoman_projection_paused",
        "1 while an operator has paused it"
    );
    describe_counter!(
        "dragoman_projection_gaps_total",
        Unit::Count,
        "Gaps that were found in Kafka and filled from the log"
    );
    describe_counter!(
        "dragoman_projection_filled_events_total",
        Unit::Count,
        "Events that Kafka should have had and that were brought from the log"
    );
    describe_counter!(
        "dragoman_projection_repeats_total",
        Unit::Count,
        "Records that came again and were dropped"
    );
    describe_counter!(
        "dragoman_projection_replaced_readers_total",
        Unit::Count,
        "Kafka clients that had stopped reading while there was something to read, and were replaced"
    );
    describe_counter!(
        "dragoman_projection_lost_ownership_total",
        Unit::Count,
        "Steps that found the owner record moved by another process, or by a commit whose answer was lost"
    );
}

/// What one call to a receiver came to.
pub(crate) fn called(projection: &str, verdict: &Verdict, took: Duration) {
    let outcome = match verdict {
        Verdict::Done => "done",
        Verdict::Rejected(_) => "rejected",
        Verdict::Again(_) => "again",
        Verdict::Hold(_) => "hold",
    };
    metrics::histogram!(
        "dragoman_projection_call_seconds",
        "projection" => projection.to_owned(), "outcome" => outcome
    )
    .record(took.as_secs_f64());
}

pub(crate) fn standing_still(projection: &str, still: bool) {
    let still = i64::from(still);
    gauge("dragoman_projection_standing_still", projection, still);
}

fn events(number: usize) -> u64 {
    number as u64
}

pub(crate) fn applied(projection: &str, applied: &Applied, took: Duration) {
    let Applied {
        applied,
        parked,
        skipped,
        ..
    } = applied;
    count(
        "dragoman_projection_applied_events_total",
        projection,
        events(*applied),
    );
    count(
        "dragoman_projection_parked_events_total",
        projection,
        events(*parked),
    );
    count(
        "dragoman_projection_skipped_events_total",
        projection,
        events(*skipped),
    );
    metrics::histogram!("dragoman_projection_apply_seconds", "projection" => projection.to_owned())
        .record(took.as_secs_f64());
}

pub(crate) fn drained(projection: &str, drained: Drained) {
    count(
        "dragoman_projection_applied_events_total",
        projection,
        events(drained.applied),
    );
    count(
        "dragoman_projection_skipped_events_total",
        projection,
        events(drained.skipped),
    );
}

/// The last event of those that just took effect; `None` when nothing waits.
pub(crate) fn lag_seconds(projection: &str, reader: &Reader, last: Option<&RecordedEvent>) {
    let age = last
        .and_then(|event| (Utc::now() - event.stored_at).to_std().ok())
        .unwrap_or_default();
    of_reader("dragoman_projection_lag_seconds", projection, reader).set(age.as_secs_f64());
}

/// How much stands behind what a reader has read.
#[allow(clippy::cast_precision_loss, reason = "gauges are floats")]
pub(crate) fn unread(projection: &str, reader: &Reader, waiting: i64) {
    let waiting = waiting.max(0);
    of_reader("dragoman_projection_unread_events", projection, reader).set(waiting as f64);
    if waiting == 0 {
        lag_seconds(projection, reader, None);
    }
}

fn of_reader(name: &'static str, projection: &str, reader: &Reader) -> metrics::Gauge {
    metrics::gauge!(name, "projection" => projection.to_owned(), "reader" => reader.to_string())
}

pub(crate) fn partitions(projection: &str, number: usize) {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    gauge("dragoman_projection_partitions", projection, number);
}

pub(crate) fn stopped(projection: &str, stopped: bool) {
    gauge(
        "dragoman_projection_stopped",
        projection,
        i64::from(stopped),
    );
}

pub(crate) fn paused(projection: &str, paused: bool) {
    gauge("dragoman_projection_paused", projection, i64::from(paused));
}

pub(crate) fn gap(projection: &str, filled: i64) {
    count("dragoman_projection_gaps_total", projection, 1);
    count(
        "dragoman_projection_filled_events_total",
        projection,
        u64::try_from(filled).unwrap_or(0),
    );
}

pub(crate) fn repeat(projection: &str) {
    count("dragoman_projection_repeats_total", projection, 1);
}

pub(crate) fn reader_replaced(projection: &str) {
    count("dragoman_projection_replaced_readers_total", projection, 1);
}

pub(crate) fn lost_ownership(projection: &str) {
    count("dragoman_projection_lost_ownership_total", projection, 1);
}
