//! Doing one thing in the target, however often it has to be tried.

use super::ProjectorError;
use super::answer_limit::AnswerLimit;
use super::patience::{Quit, Tries};
use super::session::StepEnd;
use crate::ApplyError;

/// The attempts at one thing. Each changes nothing, or is a transaction that says in its owner
/// record that it was done: one that is made again although it was done finds that out.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    projection: &'a str,
    quit: &'a Quit,
    tries: Tries,
    limit: AnswerLimit,
}

impl<'a> Attempts<'a> {
    /// None was made yet.
    pub(super) fn new(projection: &'a str, quit: &'a Quit) -> Self {
        Self {
            projection,
            quit,
            tries: Tries::default(),
            limit: AnswerLimit::default(),
        }
    }

    /// What came of one attempt; `None` when the target was away or did not answer, after
    /// a rest: it is to be made again.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn make<T>(
        &mut self,
        attempt: impl Future<Output = Result<T, ApplyError>>,
    ) -> Result<Option<T>, StepEnd> {
        let error = match self.limit.wait(self.projection, attempt).await {
            Ok(Ok(done)) => return Ok(Some(done)),
            Ok(Err(ApplyError::LostOwnership)) => return Err(StepEnd::LostOwnership),
            Ok(Err(ApplyError::Superseded)) => return Err(StepEnd::Superseded),
            Ok(Err(ApplyError::Target(error))) => ProjectorError::target(self.projection)(error),
            Err(no_answer) => no_answer,
        };
        if !error.is_unavailable() {
            return Err(StepEnd::Halted(error));
        }
        if self.tries.rest(self.projection, &error, self.quit).await {
            Ok(None)
        } else {
            Err(StepEnd::Quit)
        }
    }
}
