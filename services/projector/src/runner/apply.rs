//! Letting a window of events take effect, however often it has to be tried.

use std::time::Instant;

use dragoman_core::RecordedEvent;
use dragoman_faults::{CrashPoint, crash};
use tokio::task::JoinError;

use super::attempts::Attempts;
use super::cursor::{Cursor, Place};
use super::patience::Quit;
use super::sending::Finished;
use super::session::{Session, StepEnd};
use crate::{Applied, DatabaseEffect, Definition, Generation, Target, telemetry};

/// One generation of a projection, to apply events to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applier<'a> {
    pub(super) target: &'a Target,
    pub(super) definition: &'a Definition,
    pub(super) effect: DatabaseEffect<'a>,
    pub(super) generation: &'a Generation,
}

impl Applier<'_> {
    /// Moves a reader to a place, with the events on the way that are to take effect.
    /// A target that is away is waited for.
    ///
    /// # Errors
    /// See [`StepEnd`]; nothing took effect then that the owner record does not say.
    pub(super) async fn apply(
        &self,
        cursor: &mut Cursor,
        events: &[RecordedEvent],
        to: &Place,
        quit: &Quit,
    ) -> Result<Applied, StepEnd> {
        let projection = &self.definition.name;
        let mut attempts = Attempts::new(projection, quit);
        loop {
            let began = Instant::now();
            let step = cursor.step(events, to);
            if !events.is_empty() {
                crash(CrashPoint::ProjectionBeforeStep);
            }
            let applying = self.target.apply(
                self.definition,
                self.effect,
                self.generation,
                step,
                &mut cursor.rows,
            );
            if let Some(applied) = attempts.make(applying).await? {
                crash(CrashPoint::ProjectionAfterCommit);
                cursor.moved(&applied.checkpoint);
                telemetry::applied(projection, &applied, began.elapsed());
                return Ok(applied);
            }
        }
    }
}

impl Session {
    /// As [`Applier::apply`], with a bounded number of steps at once; or as
    /// [`Session::send`], which is done before what it takes in has taken effect.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn apply(
        &self,
        cursor: &mut Cursor,
        events: &[RecordedEvent],
        to: &Place,
        quit: &Quit,
    ) -> Result<Applied, StepEnd> {
        let effect = match (self.definition.effect.in_database(), &self.receiver) {
            (Some(effect), _) => effect,
            (None, Some(receiver)) => {
                return self.send(receiver, cursor, events, to, quit).await;
            }
            // A session of such an effect is not made without.
            (None, None) => return Err(StepEnd::Superseded),
        };
        let _slot = tokio::select! {
            biased;
            () = quit.cancelled() => return Err(StepEnd::Quit),
            slot = self.slots.acquire() => slot,
        };
        let applier = Applier {
            target: &self.target,
            definition: &self.definition,
            effect,
            generation: &self.generation,
        };
        let applied = applier.apply(cursor, events, to, quit).await?;
        telemetry::lag_seconds(self.name(), &cursor.reader, events.last());
        Ok(applied)
    }

    /// Lets the owner record say how far events were passed that are not to take
    /// effect, when that is due.
    ///
    /// # Errors
    /// As [`Session::apply`].
    pub(super) async fn note_passed(
        &self,
        cursor: &mut Cursor,
        quit: &Quit,
    ) -> Result<(), StepEnd> {
        if cursor.sending.is_some() {
            return match self.record_if_due(cursor, quit).await {
                Ok(_) => Ok(()),
                Err(StepEnd::LostOwnership) => self.bring_again(cursor, quit).await,
                Err(end) => Err(end),
            };
        }
        if !cursor.is_due() {
            return Ok(());
        }
        let place = cursor.reached().clone();
        match self.apply(cursor, &[], &place, quit).await {
            Ok(_) => Ok(()),
            Err(StepEnd::LostOwnership) => self.resynchronise(cursor, quit).await,
            Err(end) => Err(end),
        }
    }

    /// Takes note of what came of an event that was sent; if the owner record is found
    /// elsewhere, goes on from there, and brings what was taken in again.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn take_note(
        &self,
        cursor: &mut Cursor,
        finished: Result<Finished, JoinError>,
        quit: &Quit,
    ) -> Result<(), StepEnd> {
        match self.settle(cursor, finished, quit).await {
            Ok(_) => Ok(()),
            Err(StepEnd::LostOwnership) => self.bring_again(cursor, quit).await,
            Err(end) => Err(end),
        }
    }

    /// Goes on from where the owner record stands, and brings what was taken in behind it
    /// again.
    async fn bring_again(&self, cursor: &mut Cursor, quit: &Quit) -> Result<(), StepEnd> {
        let before = cursor.reached().clone();
        self.resynchronise(cursor, quit).await?;
        // Boxed: what is brought is noted, too.
        Box::pin(self.fill(cursor, &before, quit)).await
    }

    /// Reads the owner record again after it was found elsewhere.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn resynchronise(
        &self,
        cursor: &mut Cursor,
        quit: &Quit,
    ) -> Result<(), StepEnd> {
        let opened = self.look(quit).await?;
        telemetry::lost_ownership(self.name());
        cursor.resynchronise(&opened.generation, &opened.checkpoints);
        tracing::info!(
            projection = self.name(), reader = %cursor.reader, position = %cursor.position(),
            "the owner record had moved; going on from where it stands"
        );
        Ok(())
    }
}
