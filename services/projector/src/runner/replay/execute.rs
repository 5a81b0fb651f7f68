//! Executing the statements of some events again.

use super::page::Page;
use super::steps::Replaying;
use super::{End, ReplayError, runs};
use crate::runner::ProjectorError;
use crate::runner::patience::patiently;
use crate::sinks::postgres::ReplayStep;
use crate::{ApplyError, Replay, StatementEffect};

impl Replaying<'_> {
    /// Executes the statements of a page, and moves the replay behind it: all of it or,
    /// when it is time to quit, nothing.
    pub(super) async fn execute(
        &self,
        effect: &StatementEffect,
        replay: &mut Replay,
        page: Page,
    ) -> Result<(), End> {
        let through = page.through;
        let events = page.events();
        let step = ReplayStep {
            replay: &*replay,
            events: &events,
            through,
        };
        let target = self.pages.target;
        let executed = patiently(self.name(), &self.quit, || async {
            match target.execute_again(self.definition(), effect, step).await {
                Ok(moved) => Ok(Some(moved)),
                Err(ApplyError::LostOwnership | ApplyError::Superseded) => Ok(None),
                Err(ApplyError::Target(error)) => Err(ProjectorError::target(self.name())(error)),
            }
        });
        let executed = executed.await.map_err(|error| match error {
            ProjectorError::Target { projection, source } => ReplayError::Statements {
                projection,
                position: replay.position,
                through,
                source,
            },
            other => other.into(),
        });
        *replay = executed?
            .ok_or(End::Quit)?
            .ok_or_else(|| runs(self.definition()))?;
        Ok(())
    }
}
