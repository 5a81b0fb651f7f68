//! A replay from where it stands to its end, batch by batch.

use std::sync::Arc;

use dragoman_core::Position;
use dragoman_faults::{Bug, CrashPoint, crash, planted};

use super::page::Pages;
use super::way::Way;
use super::{End, ReplayError, ReplayOutcome, ReplayProgress, ReplayRequest, opened};
use crate::bookkeeping::replaying::NewReplay;
use crate::runner::ProjectorError;
use crate::runner::lineage::compare;
use crate::runner::patience::{Quit, patiently};
use crate::{Definition, Replay};

/// A replay at work.
pub(super) struct Replaying<'r> {
    pub(super) pages: Pages<'r>,
    pub(super) way: Way<'r>,
    pub(super) progress: &'r (dyn Fn(ReplayProgress) + Send + Sync),
    pub(super) quit: Quit,
}

impl Replaying<'_> {
    pub(super) fn definition(&self) -> &Arc<Definition> {
        self.pages.definition
    }

    pub(super) fn name(&self) -> &str {
        &self.pages.definition.name
    }

    pub(super) async fn run(&self, request: &ReplayRequest) -> Result<ReplayOutcome, End> {
        let mut replay = self.take_up(request).await?;
        let finished = match self.go_on(&mut replay).await {
            Ok(()) => true,
            Err(End::Quit) => false,
            Err(failed) => return Err(failed),
        };
        Ok(ReplayOutcome { replay, finished })
    }

    /// The replay of this selection: the unfinished one, or a new one.
    async fn take_up(&self, request: &ReplayRequest) -> Result<Replay, End> {
        let target = self.pages.target;
        let looked = patiently(self.name(), &self.quit, || async {
            let opened = opened(self.definition(), target).await?;
            compare(self.pages.store, self.name(), &opened.checkpoints).await?;
            Ok(opened)
        });
        let opened = looked.await?.ok_or(End::Quit)?;
        let start = opened.generation.start;
        let passed = opened.checkpoints.iter().map(|one| one.position).max();
        let passed = passed.unwrap_or(start);
        let selection = &request.selection;
        let position = start.max(Position(selection.first().0 - 1));
        let through = selection.last().map_or(passed, |last| last.min(passed));
        let new = NewReplay {
            generation: opened.generation.number,
            definition: self.definition(),
            selection,
            through: through.max(position),
            position,
            reason: &request.reason,
        };
        if planted(Bug::ReplayBegunAnew) {
            let given_up = target.abandon_replay(self.name(), "planted").await;
            given_up.map_err(ProjectorError::target(self.name()))?;
        }
        let begun = patiently(self.name(), &self.quit, || async {
            let begun = target.take_up_replay(&new).await;
            begun.map_err(ProjectorError::target(self.name()))
        });
        let replay = begun.await?.ok_or(End::Quit)?;
        let other_definition = replay.definition_hash != self.definition().hash;
        if replay.selection != *selection || other_definition {
            return Err(End::Failed(ReplayError::Unfinished {
                projection: self.name().to_owned(),
                replay: Box::new(replay),
                other_definition,
            }));
        }
        Ok(replay)
    }

    async fn go_on(&self, replay: &mut Replay) -> Result<(), End> {
        self.show(replay);
        crash(CrashPoint::ReplayAfterBegin);
        while replay.position < replay.through {
            let page = patiently(self.name(), &self.quit, || {
                let (after, until) = (replay.position, replay.through);
                self.pages.page(after, until, self.way.batch())
            });
            let page = page.await?.ok_or(End::Quit)?;
            match &self.way {
                Way::Send(receiver) => self.send(receiver, replay, page).await?,
                Way::Execute(effect) => self.execute(effect, replay, page).await?,
            }
            crash(CrashPoint::ReplayAfterProgress);
            self.show(replay);
            if self.quit.is_cancelled() {
                return Err(End::Quit);
            }
        }
        let finished = patiently(self.name(), &self.quit, || async {
            let finished = self.pages.target.finish_replay(replay.id).await;
            finished.map_err(ProjectorError::target(self.name()))
        });
        finished.await?.ok_or(End::Quit)
    }

    fn show(&self, replay: &Replay) {
        (self.progress)(ReplayProgress {
            position: replay.position,
            through: replay.through,
            resent: replay.resent,
            refused: replay.refused,
        });
    }
}
