//! What is done now and then beside the requests.

use std::sync::Arc;
use std::time::Duration;

use dragoman_store::Store;
use tokio_util::sync::CancellationToken;

use crate::Catalogue;
use crate::error::chain;
use crate::refusals::Refusals;

/// Refusals are written this often.
const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks the limits of the topics are read again.
const LIMITS: u32 = 10;
/// Every so many ticks the counts of the adapters are folded.
const FOLD: u32 = 60;

/// Keeps house until told to stop.
pub(crate) async fn housekeeping_loop(
    store: Store,
    catalogue: Arc<Catalogue>,
    refusals: Arc<Refusals>,
    stop: CancellationToken,
) {
    let mut tick: u32 = 0;
    loop {
        if tick.is_multiple_of(LIMITS) {
            note_limits_step(&store, &catalogue).await;
        }
        refusals.flush_step(&store).await;
        if tick % FOLD == FOLD - 1
            && let Err(error) = store.fold_adapter_counts().await
        {
            tracing::debug!(error = %chain(&error), "the counts are folded later");
        }
        tick = tick.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn note_limits_step(store: &Store, catalogue: &Catalogue) {
    match store.topics().await {
        Ok(records) => catalogue.note_limits(records),
        Err(error) => {
            tracing::debug!(error = %chain(&error), "the limits of the topics are as they were");
        }
    }
}
