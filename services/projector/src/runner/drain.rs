//! Trying parked subjects again, by the owner of their reader.

use dragoman_core::chain;

use super::ProjectorError;
use super::answer_limit::AnswerLimit;
use super::cursor::Cursor;
use super::session::{Session, StepEnd};
use super::telemetry;
use crate::ApplyError;

/// How many subjects are tried at one look.
const SUBJECTS: i64 = 20;

impl Session {
    /// Tries the parked subjects of a reader whose time has come. What is not there
    /// now (the target or the log away) is tried at the next look. `limit` is that of
    /// one subject, and is kept between looks.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn drain(
        &self,
        cursor: &Cursor,
        limit: &mut AnswerLimit,
    ) -> Result<(), StepEnd> {
        let name = self.name();
        let asked = async {
            let due = self.target.due(&self.generation, &cursor.reader, SUBJECTS);
            due.await.map_err(ProjectorError::target(name))
        };
        let Some(due) = self.at_once(asked).await? else {
            return Ok(());
        };
        for (subject, positions) in due {
            let asked = async {
                let events = self.store.events_at(&positions).await;
                events.map_err(ProjectorError::store(name))
            };
            let Some(events) = self.at_once(asked).await? else {
                return Ok(());
            };
            let draining = self
                .target
                .drain(&self.definition, &self.generation, &subject, &events);
            let drained = match limit.wait(name, draining).await {
                Ok(drained) => drained,
                Err(no_answer) => {
                    tracing::debug!(error = %no_answer, "draining waits");
                    return Ok(());
                }
            };
            match drained {
                Ok(drained) => {
                    tracing::info!(
                        projection = name, subject = %subject.subject,
                        applied = drained.applied, skipped = drained.skipped, left = drained.left,
                        "a parked subject was tried again"
                    );
                    telemetry::drained(name, drained);
                }
                // Somebody else has it now.
                Err(ApplyError::LostOwnership) => {}
                Err(ApplyError::Superseded) => return Err(StepEnd::Superseded),
                Err(ApplyError::Target(error)) if error.is_unavailable() => {
                    tracing::debug!(projection = name, error = %chain(&error), "draining waits");
                    return Ok(());
                }
                Err(ApplyError::Target(error)) => {
                    return Err(StepEnd::Halted(ProjectorError::target(name)(error)));
                }
            }
        }
        Ok(())
    }

    /// What is answered now; `None` when it is not there, or does not answer.
    async fn at_once<T>(
        &self,
        asked: impl Future<Output = Result<T, ProjectorError>>,
    ) -> Result<Option<T>, ProjectorError> {
        let answered = AnswerLimit::default().wait(self.name(), asked).await;
        match answered.flatten() {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_unavailable() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
