//! Trying parked subjects again, by the owner of their reader.

use std::sync::Arc;
use std::time::Duration;

use dragoman_core::{Position, RecordedEvent, chain};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorError;
use super::answer_limit::AnswerLimit;
use super::cursor::Cursor;
use super::session::{Session, StepEnd};
use crate::sinks::http::Receiver;
use crate::{ApplyError, DatabaseEffect, Drained, ParkedSubject, Reader, telemetry};

/// How many subjects are tried at one look.
const SUBJECTS: i64 = 20;

/// How many of them are brought to a receiver at once.
const AT_ONCE: usize = 8;

/// The most events of one of them that are brought at one look.
const EVENTS: usize = 50;

/// How long a subject rests when it could not be written down what came of it: else it would
/// be sent again at each look.
const REST: Duration = Duration::from_secs(5);

/// The trying of one reader's parked subjects.
#[derive(Debug, Default)]
pub(super) struct Drainer {
    /// How long the database may take for one subject; kept between looks.
    limit: AnswerLimit,
    /// A receiver may take long, and live events are not to wait for it: its subjects are
    /// brought to it beside them. With a database they are not, because their transactions
    /// would only wait for each other.
    beside: Option<AbortOnDropHandle<Result<(), StepEnd>>>,
}

impl Session {
    /// Tries the parked subjects of a reader whose time has come. What is not there
    /// now (the target or the log away) is tried at the next look.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn drain(
        self: &Arc<Self>,
        cursor: &Cursor,
        drainer: &mut Drainer,
    ) -> Result<(), StepEnd> {
        match (self.definition.effect.in_database(), &self.receiver) {
            (Some(effect), _) => {
                self.drain_into_database(effect, &cursor.reader, &mut drainer.limit)
                    .await
            }
            (None, Some(receiver)) => {
                match drainer.beside.take_if(|task| task.is_finished()) {
                    Some(ended) => ended.await.map_err(|_| ProjectorError::TaskLost {
                        projection: self.name().to_owned(),
                    })??,
                    None if drainer.beside.is_some() => return Ok(()),
                    None => {}
                }
                let (session, receiver) = (Arc::clone(self), Arc::clone(receiver));
                let reader = cursor.reader.clone();
                drainer.beside = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                    session.drain_to_receiver(&receiver, &reader).await
                })));
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    async fn drain_into_database(
        &self,
        effect: DatabaseEffect<'_>,
        reader: &Reader,
        limit: &mut AnswerLimit,
    ) -> Result<(), StepEnd> {
        for (subject, positions) in self.due(reader).await? {
            let Some(events) = self.events_at(&positions).await? else {
                return Ok(());
            };
            let draining = self.target.drain(
                &self.definition,
                effect,
                &self.generation,
                &subject,
                &events,
            );
            let drained = match limit.wait(self.name(), draining).await {
                Ok(drained) => drained,
                Err(no_answer) => {
                    tracing::debug!(error = %no_answer, "draining waits");
                    return Ok(());
                }
            };
            if !self.came_of(&subject, drained)? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn drain_to_receiver(&self, receiver: &Receiver, reader: &Reader) -> Result<(), StepEnd> {
        // Whoever gives the reader up gives this up with it.
        let closing = CancellationToken::new();
        let closing = &closing;
        let due = self.due(reader).await?;
        let mut draining = stream::iter(due)
            .map(|(subject, positions)| async move {
                self.bring(receiver, &subject, &positions, closing).await
            })
            .buffer_unordered(AT_ONCE);
        while let Some(brought) = draining.next().await {
            brought?;
        }
        Ok(())
    }

    /// Brings the first event of a subject to the receiver, and those behind it once it is
    /// through: mostly it fails again, and then the others need not be read.
    async fn bring(
        &self,
        receiver: &Receiver,
        subject: &ParkedSubject,
        positions: &[Position],
        closing: &CancellationToken,
    ) -> Result<(), StepEnd> {
        let positions = positions.get(..EVENTS).unwrap_or(positions);
        let (first, behind) = positions.split_at(positions.len().min(1));
        for positions in [first, behind].into_iter().filter(|it| !it.is_empty()) {
            let Some(events) = self.events_at(positions).await? else {
                break;
            };
            let drained = self
                .target
                .drain_to(
                    receiver,
                    &self.definition,
                    &self.generation,
                    subject,
                    &events,
                    closing,
                )
                .await;
            let through = drained
                .as_ref()
                .is_ok_and(|drained| drained.applied + drained.skipped == events.len());
            if !self.came_of(subject, drained)? {
                sleep(REST).await;
            }
            if !through {
                break;
            }
        }
        Ok(())
    }

    /// The subjects whose time has come, with the positions of their events. There are none
    /// while the target is away.
    async fn due(&self, reader: &Reader) -> Result<Vec<(ParkedSubject, Vec<Position>)>, StepEnd> {
        let name = self.name();
        let asked = async {
            let due = self.target.due(&self.generation, reader, SUBJECTS);
            due.await.map_err(ProjectorError::target(name))
        };
        Ok(self.at_once(asked).await?.unwrap_or_default())
    }

    /// Events as the log has them; `None` when it is away.
    async fn events_at(
        &self,
        positions: &[Position],
    ) -> Result<Option<Vec<RecordedEvent>>, StepEnd> {
        let name = self.name();
        let asked = async {
            let events = self.store.events_at(positions).await;
            events.map_err(ProjectorError::store(name))
        };
        Ok(self.at_once(asked).await?)
    }

    /// Says what came of a subject. False when the target is away.
    fn came_of(
        &self,
        subject: &ParkedSubject,
        drained: Result<Drained, ApplyError>,
    ) -> Result<bool, StepEnd> {
        let name = self.name();
        match drained {
            Ok(drained) => {
                tracing::info!(
                    projection = name, subject = %subject.subject,
                    applied = drained.applied, skipped = drained.skipped, left = drained.left,
                    "a parked subject was tried again"
                );
                telemetry::drained(name, drained);
                Ok(true)
            }
            // Somebody else has it now.
            Err(ApplyError::LostOwnership) => Ok(true),
            Err(ApplyError::Superseded) => Err(StepEnd::Superseded),
            Err(ApplyError::Target(error)) if error.is_unavailable() => {
                tracing::debug!(projection = name, error = %chain(&error), "draining waits");
                Ok(false)
            }
            Err(ApplyError::Target(error)) => {
                Err(StepEnd::Halted(ProjectorError::target(name)(error)))
            }
        }
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
