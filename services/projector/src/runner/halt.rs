//! What `status` shows of a projection that stopped for good.

use std::sync::PoisonError;

use dragoman_core::chain;
use dragoman_store::Store;

use super::ProjectorError;
use super::session::Session;
use crate::telemetry;

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

impl Session {
    /// Leaves for `status` that nothing goes through to the receiver, and takes it back
    /// once something does.
    pub(super) async fn report_standstill(&self) {
        let Some(receiver) = &self.receiver else {
            return;
        };
        let standstill = receiver.standstill();
        telemetry::standing_still(self.name(), standstill.is_some());
        let changed = {
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            let code = standstill.as_ref().map(|standstill| standstill.code);
            std::mem::replace(&mut *reported, code) != code
        };
        if !changed {
            return;
        }
        let Some(standstill) = standstill else {
            tracing::info!(projection = self.name(), "the receiver takes events again");
            return clear_halt(&self.store, self.name()).await;
        };
        tracing::warn!(
            projection = self.name(), code = standstill.code, reason = %standstill.message,
            "nothing goes through to the receiver; events wait, in order. {}", standstill.remedy
        );
        let (component, message) = (component(self.name()), standstill.message.as_str());
        let reporting =
            self.store
                .report_halt(&component, standstill.code, message, standstill.remedy);
        if let Err(error) = reporting.await {
            tracing::debug!(projection = self.name(), error = %chain(&error), "it could not be left for `status`");
        }
    }
}

/// Takes an old halt back: this instance has begun to work.
pub(super) async fn clear_halt(store: &Store, projection: &str) {
    if let Err(error) = store.clear_halt(&component(projection)).await {
        tracing::debug!(projection, error = %chain(&error), "an old halt was not taken back");
    }
}
