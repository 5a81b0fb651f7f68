//! Trying parked subjects again, by the owner of their reader.

use dragoman_core::chain;

use super::ProjectorError;
use super::cursor::Cursor;
use super::session::{Session, StepEnd};
use super::telemetry;
use crate::ApplyError;

/// How many subjects are tried at one look.
const SUBJECTS: i64 = 20;

impl Session {
    /// Tries the parked subjects of a reader whose time has come. What is not there
    /// now (the target or the log away) is tried at the next look.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn drain(&self, cursor: &Cursor) -> Result<(), StepEnd> {
        let due = match self
            .target
            .due(&self.generation, &cursor.reader, SUBJECTS)
            .await
        {
            Ok(due) => due,
            Err(error) if error.is_unavailable() => return Ok(()),
            Err(error) => {
                return Err(StepEnd::Halted(ProjectorError::target(self.name())(error)));
            }
        };
        for (subject, positions) in due {
            let events = match self.store.events_at(&positions).await {
                Ok(events) => events,
                Err(error) if error.is_unavailable() => return Ok(()),
                Err(error) => {
                    return Err(StepEnd::Halted(ProjectorError::store(self.name())(error)));
                }
            };
            let drained = self
                .target
                .drain(&self.definition, &self.generation, &subject, &events)
                .await;
            match drained {
                Ok(drained) => {
                    tracing::info!(
                        projection = self.name(), subject = %subject.subject,
                        applied = drained.applied, skipped = drained.skipped, left = drained.left,
                        "a parked subject was tried again"
                    );
                    telemetry::drained(self.name(), drained);
                }
                // Somebody else has it now.
                Err(ApplyError::LostOwnership) => {}
                Err(ApplyError::Superseded) => return Err(StepEnd::Superseded),
                Err(ApplyError::Target(error)) if error.is_unavailable() => {
                    tracing::debug!(projection = self.name(), error = %chain(&error), "draining waits");
                    return Ok(());
                }
                Err(ApplyError::Target(error)) => {
                    return Err(StepEnd::Halted(ProjectorError::target(self.name())(error)));
                }
            }
        }
        Ok(())
    }
}
