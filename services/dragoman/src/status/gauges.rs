//! The account as gauges; for alarms.

use super::StatusReader;

impl StatusReader {
    /// Brings the gauges of the account up to date.
    #[allow(clippy::cast_precision_loss)] // gauges are floats; 2^53 events are far
    pub(crate) async fn refresh_gauges(&self) {
        match self.read().await {
            Ok(status) => {
                metrics::gauge!("dragoman_unbalanced_events").set(status.unbalanced_events as f64);
                metrics::gauge!("dragoman_log_stored_events").set(status.log.stored as f64);
                metrics::gauge!("dragoman_log_sealed_events").set(status.log.sealed as f64);
                metrics::gauge!("dragoman_log_published_events").set(status.log.published as f64);
                metrics::gauge!("dragoman_halted_parts").set(status.halts.len() as f64);
                metrics::gauge!("dragoman_unreachable_targets")
                    .set(status.unreachable().count() as f64);
                for (name, projection) in status.projections {
                    let of = |gauge, value: Option<i64>| {
                        if let Some(value) = value {
                            metrics::gauge!(gauge, "projection" => name.clone()).set(value as f64);
                        }
                    };
                    of("dragoman_projection_position", projection.position);
                    of("dragoman_projection_lag_events", projection.lag);
                    of(
                        "dragoman_projection_parked_subjects",
                        projection.parked_subjects,
                    );
                    of(
                        "dragoman_projection_parked_events",
                        projection.parked_events,
                    );
                }
            }
            Err(failure) => tracing::debug!(?failure, "the account could not be read for metrics"),
        }
    }
}

/// Names and units of the gauges that are kept here.
pub(crate) fn describe_metrics() {
    use metrics::{Unit, describe_gauge};
    describe_gauge!(
        "dragoman_unbalanced_events",
        Unit::Count,
        "Events that are not where they should be; 0, or something is wrong"
    );
    describe_gauge!(
        "dragoman_log_stored_events",
        Unit::Count,
        "Events in the log"
    );
    describe_gauge!(
        "dragoman_log_sealed_events",
        Unit::Count,
        "Events with a position"
    );
    describe_gauge!(
        "dragoman_log_published_events",
        Unit::Count,
        "Events that Kafka has acknowledged, from the first on without a gap"
    );
    describe_gauge!(
        "dragoman_halted_parts",
        Unit::Count,
        "Parts that stopped by themselves"
    );
    describe_gauge!(
        "dragoman_unreachable_targets",
        Unit::Count,
        "Projections whose target does not answer, so that their account is not proved"
    );
    describe_gauge!(
        "dragoman_projection_position",
        Unit::Count,
        "Position up to which a projection has applied, parked or skipped its events"
    );
    describe_gauge!(
        "dragoman_projection_lag_events",
        Unit::Count,
        "Sealed events that a projection has neither applied nor parked"
    );
    describe_gauge!(
        "dragoman_projection_parked_subjects",
        Unit::Count,
        "Subjects whose events wait for a retry or an operator"
    );
    describe_gauge!(
        "dragoman_projection_parked_events",
        Unit::Count,
        "Events that wait for a retry or an operator"
    );
}
