//! Writers: each takes what has queued and writes it with one statement.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::{AppendOutcome, AppendRequest, AppendResult, Appended, Store};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::chain;
use crate::queue::{NotAppended, Reply, Taker, Waiting};
use crate::telemetry;

/// Writes until the queue has ended. Several may share a taker: one waits there while
/// the others write.
pub(crate) async fn writer_loop(store: Store, taker: Arc<Mutex<Taker>>, patience: Duration) {
    loop {
        let batch = taker.lock().await.take().await;
        let Some(batch) = batch else { return };
        write_step(&store, batch, patience).await;
    }
}

/// Writes a batch, and gives each request its reply.
pub(crate) async fn write_step(store: &Store, batch: Vec<Waiting>, patience: Duration) {
    let mut requests = Vec::with_capacity(batch.len());
    let mut senders = Vec::with_capacity(batch.len());
    for waiting in batch {
        requests.push(waiting.request);
        senders.push((waiting.reply, waiting.room));
    }
    if planted(Bug::AckBeforeCommit) {
        for (request, (sender, _room)) in requests.iter().zip(senders.drain(..)) {
            let _gone = sender.send(Ok(all_stored(request)));
        }
    }
    let started = Instant::now();
    crash(CrashPoint::IngestBeforeCommit);
    let replies = append(store, &requests, patience).await;
    crash(CrashPoint::IngestAfterCommitBeforeAnswer);
    telemetry::appended(&requests, &replies, started.elapsed());
    for ((sender, room), reply) in senders.into_iter().zip(replies) {
        // A sender that is gone has closed its connection; it asks again.
        let _gone = sender.send(reply);
        drop(room);
    }
}

/// What a planted bug answers without knowing.
fn all_stored(request: &AppendRequest) -> AppendOutcome {
    AppendOutcome::Appended(vec![Appended::Stored; request.events.len()])
}

async fn append(store: &Store, requests: &[AppendRequest], patience: Duration) -> Vec<Reply> {
    match timeout(patience, store.append(requests)).await {
        Ok(results) if planted(Bug::SwallowRollback) => results
            .into_iter()
            .zip(requests)
            .map(|(result, request)| Ok(result.unwrap_or_else(|_| all_stored(request))))
            .collect(),
        Ok(results) => results.into_iter().map(reply).collect(),
        Err(_) if planted(Bug::SwallowRollback) => requests
            .iter()
            .map(|request| Ok(all_stored(request)))
            .collect(),
        Err(_) => {
            tracing::warn!(
                requests = requests.len(),
                "the database does not answer; whether these were stored is not known"
            );
            vec![Err(NotAppended::Unavailable); requests.len()]
        }
    }
}

fn reply(result: AppendResult) -> Reply {
    result.map_err(|error| {
        if error.is_unavailable() {
            tracing::warn!(error = %chain(&*error), "events are not stored");
            NotAppended::Unavailable
        } else {
            tracing::error!(error = %chain(&*error), "the database refuses an event");
            NotAppended::Refused
        }
    })
}
