//! Opening a projection on its target.

use std::sync::Arc;

use dragoman_core::Position;
use dragoman_store::Store;
use tokio_util::sync::CancellationToken;

use super::lineage::compare;
use super::patience::{Quit, patiently};
use super::session::Session;
use super::{ProjectorError, RunnerOptions};
use crate::sinks::http::Receiver;
use crate::{Definition, Opened, Start, Target};

/// What a projection is run with, for as long as it runs.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) options: RunnerOptions,
    pub(super) definition: Arc<Definition>,
    pub(super) store: Store,
    pub(super) target: Target,
    pub(super) receiver: Option<Arc<Receiver>>,
    pub(super) stop: CancellationToken,
}

impl Runner {
    pub(super) fn name(&self) -> &str {
        &self.definition.name
    }

    /// Opens it, and makes sure that its checkpoints are of this ledger. `None` when it
    /// was asked to stop first.
    ///
    /// # Errors
    /// When the definition, the table or the ledger is another.
    pub(super) async fn open(&self) -> Result<Option<Session>, ProjectorError> {
        let quit = Quit::with(&self.stop);
        let opened = patiently(self.name(), &quit, || self.try_to_open()).await?;
        Ok(opened.map(|opened| {
            Session::new(
                self.options.clone(),
                Arc::clone(&self.definition),
                self.store.clone(),
                self.target.clone(),
                opened.generation,
                self.receiver.clone(),
                &self.stop,
            )
        }))
    }

    async fn try_to_open(&self) -> Result<Opened, ProjectorError> {
        let start = self.start().await?;
        let mode = self.options.mode(&self.definition);
        let opened = self
            .target
            .open(&self.definition, mode, start)
            .await
            .map_err(ProjectorError::open(self.name()))?;
        compare(&self.store, self.name(), &opened.checkpoints).await?;
        Ok(opened)
    }

    /// Where it begins if it is new: events at or below are not its concern.
    async fn start(&self) -> Result<Position, ProjectorError> {
        match self.definition.start {
            Start::Beginning => Ok(Position::ZERO),
            Start::At(first) => Ok(Position((first.0 - 1).max(0))),
            Start::Now => self
                .store
                .head()
                .await
                .map_err(ProjectorError::store(self.name())),
        }
    }
}
