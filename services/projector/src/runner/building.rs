//! What a rebuild builds, window by window.

use std::time::Duration;

use dragoman_core::{Identity, RecordedEvent};
use dragoman_faults::{CrashPoint, crash};

use super::ProjectorError;
use super::apply::Applier;
use super::cursor::{Cursor, Place};
use super::lineage::read_on;
use super::patience::patiently;
use super::rebuild::{Rebuild, RebuildOutcome, WINDOW};
use super::session::StepEnd;
use crate::{DatabaseEffect, Generation, Stop};

/// What is built so far.
pub(super) struct Building {
    pub(super) generation: Generation,
    pub(super) cursor: Cursor,
    pub(super) applied: i64,
    pub(super) parked: i64,
}

impl Building {
    pub(super) fn outcome(&self) -> RebuildOutcome {
        RebuildOutcome {
            generation: self.generation.number,
            position: self.cursor.position(),
            applied: self.applied,
            parked: self.parked,
        }
    }
}

impl Rebuild<'_> {
    /// Builds one window. False when the ledger has no more.
    pub(super) async fn step(&self, building: &mut Building) -> Result<bool, StepEnd> {
        let place = building.cursor.reached();
        let read = patiently(self.name(), &self.quit, || {
            read_on(self.store, self.name(), place, WINDOW)
        });
        let events = read.await?.ok_or(StepEnd::Quit)?;
        let Some(last) = events.last() else {
            return Ok(false);
        };
        let to = Place::of(last, None);
        self.build_on(building, events, to).await?;
        Ok(true)
    }

    /// Builds what was read, and is at the place behind it.
    pub(super) async fn build_on(
        &self,
        building: &mut Building,
        events: Vec<RecordedEvent>,
        to: Place,
    ) -> Result<(), StepEnd> {
        let wanted: Vec<RecordedEvent> = events
            .into_iter()
            .filter(|event| building.cursor.wants(event))
            .collect();
        if wanted.is_empty() {
            building.cursor.pass(to);
        } else {
            self.apply(building, &wanted, &to).await?;
        }
        crash(CrashPoint::RebuildMidBatch);
        Ok(())
    }

    pub(super) async fn apply(
        &self,
        building: &mut Building,
        events: &[RecordedEvent],
        to: &Place,
    ) -> Result<(), StepEnd> {
        let applier = Applier {
            target: self.target,
            definition: self.definition,
            effect: DatabaseEffect::Table(self.effect),
            generation: &building.generation,
        };
        let applied = applier
            .apply(&mut building.cursor, events, to, &self.quit)
            .await;
        let applied = match applied {
            Err(StepEnd::LostOwnership) => return self.take_up(building, to).await,
            applied => applied?,
        };
        if let Some(stop) = applied.stopped {
            return Err(self.stopped(&stop, events).into());
        }
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        building.applied += count(applied.applied);
        building.parked += count(applied.parked);
        Ok(())
    }

    /// Goes on from a step that was done, though the answer to its commit got lost.
    async fn take_up(&self, building: &mut Building, to: &Place) -> Result<(), StepEnd> {
        let looked = patiently(self.name(), &self.quit, || async {
            let looked = self.target.look_at_building(&building.generation).await;
            looked.map_err(ProjectorError::target(self.name()))
        });
        let built = looked.await?.ok_or(StepEnd::Quit)?;
        let Some(checkpoint) = built.checkpoint else {
            return Err(StepEnd::LostOwnership);
        };
        building.cursor.moved(&checkpoint);
        building.applied = checkpoint.applied;
        building.parked = built.parked;
        if checkpoint.position == to.position {
            return Ok(());
        }
        // The step that was done reached elsewhere: nobody else moves a generation that is
        // being built. What is behind it is read again.
        Err(ProjectorError::NoAnswer {
            projection: self.name().to_owned(),
            waited: Duration::ZERO,
        }
        .into())
    }

    fn stopped(&self, stop: &Stop, events: &[RecordedEvent]) -> ProjectorError {
        let failing = events.iter().find(|event| event.position == stop.position);
        ProjectorError::RebuildStopped {
            projection: self.name().to_owned(),
            event: failing.map_or_else(
                || Identity {
                    position: stop.position,
                    source: String::new(),
                    id: stop.subject.clone(),
                },
                RecordedEvent::identity,
            ),
            reason: stop.reason.clone(),
        }
    }
}
