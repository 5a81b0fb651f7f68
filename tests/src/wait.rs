//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How long things may take that are not measured: busy machines are slow.
const LIMIT: Duration = Duration::from_secs(120);
/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until something is so.
///
/// # Panics
/// When it is not so after two minutes.
pub async fn eventually(what: &str, is_so: impl AsyncFnMut() -> bool) {
    eventually_within(LIMIT, what, is_so).await;
}

/// Waits until something is so.
///
/// # Panics
/// When it is not so within the limit.
pub async fn eventually_within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !is_so().await {
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain until {what}"
        );
        tokio::time::sleep(LOOK).await;
    }
}
