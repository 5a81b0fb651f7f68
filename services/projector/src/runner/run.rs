//! A projection from start to stop: one session after the other.

use std::sync::Arc;
use std::time::Duration;

use dragoman_store::Store;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::follow_kafka::follow_kafka;
use super::follow_ledger::follow_ledger;
use super::halt::report_halt;
use super::open::Runner;
use super::patience::{Quit, patiently};
use super::session::{Session, SessionEnd};
use super::watch::{Marks, watch};
use super::{ProjectorError, RunnerOptions};
use crate::sinks::http::Receiver;
use crate::{Definition, ReaderMode, Target, telemetry};

/// How often a projection that waits looks whether it may go on.
const PAUSED: Duration = Duration::from_millis(500);

/// Brings a projection its events until `stop`. Several instances share the partitions
/// of the topics; of ledger followers one works and the others stand by.
///
/// A database or Kafka away is waited out. A paused projection leaves its group or gives
/// its lease back, and goes on by itself when it is resumed. After a rebuild it goes on
/// with the new generation. A halt is left in the hub's database for `status` before it
/// is returned, and taken back by an instance that has begun to work.
///
/// # Errors
/// Whatever halts a projection: see [`ProjectorError`] and its [`ProjectorError::remedy`].
pub async fn run(
    options: RunnerOptions,
    definition: Arc<Definition>,
    store: Store,
    target: Target,
    stop: CancellationToken,
) -> Result<(), ProjectorError> {
    let receiver = Receiver::of(&definition).map_err(|source| ProjectorError::Receiver {
        projection: definition.name.clone(),
        source,
    })?;
    let runner = Runner {
        options,
        definition,
        store,
        target,
        receiver: receiver.map(Arc::new),
        stop,
    };
    let ended = runner.serve().await;
    if let Err(halt) = &ended {
        report_halt(&runner.store, runner.name(), halt).await;
    }
    ended
}

impl Runner {
    async fn serve(&self) -> Result<(), ProjectorError> {
        while self.wait_while_paused().await? {
            let Some(session) = self.open().await? else {
                return Ok(());
            };
            let ended = hold(Arc::new(session)).await?;
            tracing::info!(projection = self.name(), ?ended, "a session has ended");
            match ended {
                SessionEnd::Stopped => return Ok(()),
                SessionEnd::Superseded => self.stand_down().await?,
                SessionEnd::Paused | SessionEnd::LostLease | SessionEnd::ReaderStalled => {}
            }
        }
        Ok(())
    }

    /// After a process with another configuration (with Kafka, or without) has taken
    /// the mode, this one is of the past: it waits until it is needed again.
    async fn stand_down(&self) -> Result<(), ProjectorError> {
        let quit = Quit::with(&self.stop);
        let own = self.options.mode(&self.definition);
        let mut said = false;
        loop {
            let looked = patiently(self.name(), &quit, || async {
                let looked = self.target.look(self.name()).await;
                looked.map_err(ProjectorError::target(self.name()))
            });
            let other = match looked.await?.flatten() {
                Some(opened) => opened.generation.mode != own,
                None => false,
            };
            if !other {
                return Ok(());
            }
            if !std::mem::replace(&mut said, true) {
                tracing::warn!(
                    projection = self.name(),
                    "another process runs this projection by another configuration, with or without Kafka; standing by"
                );
            }
            if !quit.rest(PAUSED).await {
                return Ok(());
            }
        }
    }

    /// False when it was asked to stop.
    async fn wait_while_paused(&self) -> Result<bool, ProjectorError> {
        let quit = Quit::with(&self.stop);
        loop {
            let paused = patiently(self.name(), &quit, || async {
                self.store
                    .is_paused(self.name())
                    .await
                    .map_err(ProjectorError::store(self.name()))
            })
            .await?;
            telemetry::paused(self.name(), paused == Some(true));
            match paused {
                None => return Ok(false),
                Some(false) => return Ok(!self.stop.is_cancelled()),
                Some(true) => {
                    if !quit.rest(PAUSED).await {
                        return Ok(false);
                    }
                }
            }
        }
    }
}

/// One session: follows whatever the mode says, and watches beside it.
async fn hold(session: Arc<Session>) -> Result<SessionEnd, ProjectorError> {
    let (marks, known_marks) = watch::channel(Marks::default());
    let watching = AbortOnDropHandle::new(tokio::spawn(watch(Arc::clone(&session), marks)));
    match (&session.generation.mode, &session.options.kafka) {
        (ReaderMode::Kafka, Some(kafka)) => follow_kafka(&session, kafka, &known_marks).await,
        (ReaderMode::Ledger, _) | (ReaderMode::Kafka, None) => follow_ledger(&session).await,
    }
    session.over.cancel();
    if watching.await.is_err() {
        session.end(Err(ProjectorError::TaskLost {
            projection: session.name().to_owned(),
        }));
    }
    session.how_it_ended()
}
