//! Logs: lines for people on a terminal, JSON elsewhere, always on stderr. Metrics:
//! kept in this process, shown by the admin server.

use std::io::{self, IsTerminal};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// What is logged when nobody says: the hub's own doings, and warnings of others.
const DEFAULT_FILTER: &str = "warn,dragoman=info,dragoman_ingest=info,dragoman_relay=info,dragoman_projector=info,dragoman_store=info,dragoman_stream=info";

/// Starts logging. `wanted` is a filter as in `RUST_LOG`; one that cannot be read
/// gives the default and a warning.
pub(crate) fn start_logs(wanted: Option<&str>) {
    let (filter, broken) = match wanted.map(EnvFilter::try_new) {
        None => (EnvFilter::new(DEFAULT_FILTER), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
    if let Some(error) = broken {
        tracing::warn!(%error, "the log filter cannot be read; write for example --log info or --log dragoman_relay=debug");
    }
}

/// Upper bounds of the histograms of durations, in seconds: from a row's write to a
/// broker's restart.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// Starts keeping metrics. Whoever keeps the handle calls `run_upkeep` on it.
///
/// # Errors
/// When it was started before.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::from_error(&error))?;
    crate::status::describe_metrics();
    dragoman_ingest::describe_metrics();
    dragoman_relay::describe_metrics();
    dragoman_projector::describe_metrics();
    Ok(handle)
}
