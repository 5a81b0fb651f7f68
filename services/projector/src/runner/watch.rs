//! What is looked at once a second while a projection runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dragoman_core::chain;
use dragoman_store::Mark;
use dragoman_stream::TopicPartition;
use tokio::sync::watch;

use super::ProjectorError;
use super::answer_limit::AnswerLimit;
use super::lineage::compare;
use super::session::{Session, SessionEnd};
use crate::ReaderMode;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far the relay knows each partition to reach.
pub(super) type Marks = Arc<HashMap<TopicPartition, Mark>>;

/// Looks until the session is over, and ends it when it is paused or when the ledger
/// is another.
pub(super) async fn watch(session: Arc<Session>, marks: watch::Sender<Marks>) {
    let mut was_away = false;
    let mut limit = AnswerLimit::default();
    loop {
        let looking = look(&session, &marks, was_away);
        let looked = limit.wait(session.name(), looking).await;
        match looked.flatten() {
            Ok(()) => was_away = false,
            Err(error) if error.is_unavailable() => {
                if !was_away {
                    tracing::warn!(projection = session.name(), error = %chain(&error), "a database is away");
                }
                was_away = true;
            }
            Err(error) => return session.end(Err(error)),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = session.over.cancelled() => return,
        }
    }
}

async fn look(
    session: &Session,
    marks: &watch::Sender<Marks>,
    was_away: bool,
) -> Result<(), ProjectorError> {
    let refused = || ProjectorError::store(session.name());
    session.look_at_head().await?;
    session.report_standstill().await;
    if was_away {
        // What comes back may be older than what went.
        let opened = session
            .target
            .look(session.name())
            .await
            .map_err(ProjectorError::target(session.name()))?;
        let checkpoints = opened.map(|opened| opened.checkpoints).unwrap_or_default();
        compare(&session.store, session.name(), &checkpoints).await?;
    }
    if session
        .store
        .is_paused(session.name())
        .await
        .map_err(refused())?
    {
        session.end(Ok(SessionEnd::Paused));
    }
    if session.generation.mode == ReaderMode::Kafka {
        let found = session.store.marks().await.map_err(refused())?;
        let found = found
            .into_iter()
            .map(|mark| (TopicPartition::new(&mark.topic, mark.partition), mark))
            .collect();
        marks.send_replace(Arc::new(found));
    }
    Ok(())
}
