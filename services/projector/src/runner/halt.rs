//! What `status` shows of a projection that stopped for good.

use dragoman_core::chain;
use dragoman_store::Store;

use super::ProjectorError;

/// What `status` calls a projection; the name of a follower's lease too.
pub(super) fn component(projection: &str) -> String {
    format!("projection {projection}")
}

/// Leaves a halt for `status`.
pub(super) async fn report_halt(store: &Store, projection: &str, halt: &ProjectorError) {
    let reported = store
        .report_halt(
            &component(projection),
            halt.code(),
            &chain(halt),
            &halt.remedy(),
        )
        .await;
    if let Err(error) = reported {
        tracing::warn!(projection, error = %chain(&error), "the halt could not be left for `status`");
    }
}

/// Takes an old halt back: this instance has begun to work.
pub(super) async fn clear_halt(store: &Store, projection: &str) {
    if let Err(error) = store.clear_halt(&component(projection)).await {
        tracing::debug!(projection, error = %chain(&error), "an old halt was not taken back");
    }
}
