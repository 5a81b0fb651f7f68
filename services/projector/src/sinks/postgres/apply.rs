//! One step of a reader: effect, parking and owner record in one transaction.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use dragoman_core::{Position, RecordedEvent};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sqlx::PgConnection;

use super::checkpoints::{self, Owned};
use super::decisions::{Skips, skips_among};
use super::error::{ApplyError, TargetError};
use super::evaluate::{Evaluated, evaluate};
use super::generation::{Generation, Use};
use super::outcome::{Care, Failure, Outcome, Writing};
use super::parking;
use super::plan::Plan;
use super::session::Target;
use super::standing::{Standing, stand};
use super::stops::{self, Stop};
use super::write::{WriteError, refusal};
use crate::{Checkpoint, Definition, Order};

/// How many steps go by between two looks for old checkpoints.
const PRUNE_EVERY: u32 = 64;

/// Some events of one reader, to take effect together.
#[derive(Debug)]
pub struct Step<'a> {
    /// Who brings them, with `types`, and the offset and identity that the owner record
    /// is to have when they are done. Its `applied` is not looked at.
    pub reached: Checkpoint,
    /// The position that the owner record has now; `None`: there is none yet. Another
    /// position there means that another process owns the reader.
    pub expected: Option<Position>,
    /// The events that are to take effect, by position, all of the projection's types,
    /// above the generation's start, and not done by another reader. The owner record
    /// moves over all others.
    pub events: &'a [RecordedEvent],
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Events that took effect.
    pub applied: usize,
    /// Events whose subjects are parked now, or were before.
    pub parked: usize,
    /// Events that an operator had decided to skip.
    pub skipped: usize,
    /// The owner record as it is now.
    pub checkpoint: Checkpoint,
    /// With `order: total`: the event that stopped it. The owner record stands at the
    /// last event of the step before it, or where it stood; of a reader that had none,
    /// at the generation's start.
    pub stopped: Option<Stop>,
}

impl Target {
    /// Lets events take effect, parks what cannot, and moves the owner record, in one
    /// transaction. A value that the database refuses is found and its event parked;
    /// the others take effect.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing took effect then, or, when the connection was lost
    /// at the commit, it is open: read the checkpoint.
    pub async fn apply(
        &self,
        definition: &Definition,
        generation: &Generation,
        step: Step<'_>,
    ) -> Result<Applied, ApplyError> {
        let events = evaluate(definition, step.events);
        for care in [Care::Whole, Care::Apart] {
            let attempt = self.attempt(definition, generation, &step, &events, care);
            match attempt.await {
                Ok(applied) => return Ok(applied),
                Err(Failure::Apply(error)) => return Err(error),
                Err(Failure::Data) => {}
            }
        }
        // With care, only a commit can be refused still: a constraint that waits for it
        // and cannot be made to speak earlier.
        Err(ApplyError::Target(TargetError::UnnamedRefusal))
    }

    async fn attempt(
        &self,
        definition: &Definition,
        generation: &Generation,
        step: &Step<'_>,
        events: &[Evaluated<'_>],
        care: Care,
    ) -> Result<Applied, Failure> {
        let mut transaction = self.begin("beginning a step").await?;
        let attempt = Attempt {
            definition,
            generation,
            step,
            events,
            care,
            prune: self
                .steps
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(PRUNE_EVERY),
        };
        match attempt.run(&mut transaction).await {
            Ok(applied) => {
                let committed = transaction.commit().await;
                committed.map_err(|error| match refusal(error) {
                    WriteError::Data(_) => Failure::Data,
                    WriteError::Target(error) => Failure::from(error),
                })?;
                Ok(applied)
            }
            Err(failure) => {
                // Now, and not when the session is used next: another attempt would wait
                // for it. If it fails the session is gone, and the transaction with it.
                let _ = transaction.rollback().await;
                Err(failure)
            }
        }
    }
}

/// One attempt at a step, in a transaction that is committed if it succeeds.
struct Attempt<'s> {
    definition: &'s Definition,
    generation: &'s Generation,
    step: &'s Step<'s>,
    events: &'s [Evaluated<'s>],
    care: Care,
    prune: bool,
}

impl Attempt<'_> {
    async fn run(&self, connection: &mut PgConnection) -> Result<Applied, Failure> {
        let Self {
            definition,
            generation,
            step,
            events,
            care,
            prune,
        } = *self;
        let usage = Use {
            mode: step.reached.reader.mode(),
            definition_hash: &definition.hash,
        };
        let (whose, expected) = (&step.reached, step.expected);
        let Standing {
            table,
            owned,
            any_parked,
            any_decided,
        } = stand(connection, generation, usage, whose, expected, step.events).await?;
        let skips = if any_decided {
            skips_among(connection, &definition.name, step.events).await?
        } else {
            Skips::default()
        };
        let parked = if any_parked {
            parking::hold_among(connection, generation, events).await?
        } else {
            HashSet::new()
        };
        crash_with(events, CrashPoint::ProjectionBeforeEffect);
        if planted(Bug::CheckpointBeforeEffect) {
            checkpoints::advance(connection, &owned, &step.reached).await?;
            commit_early(connection).await?;
        }
        let plan = Plan::of(events, definition.order, &skips, &parked);
        let writing = Writing {
            definition,
            table: &table,
            care,
        };
        let outcome = writing.outcome(connection, plan).await?;
        crash_with(events, CrashPoint::ProjectionAfterEffectBeforeRecord);
        if planted(Bug::EffectBeforeCheckpoint) {
            commit_early(connection).await?;
        }
        let order = definition.order;
        let applied = record(connection, generation, step, &owned, outcome, order).await?;
        crash_with(events, CrashPoint::ProjectionAfterRecordBeforeCommit);
        if prune {
            checkpoints::prune(connection, &owned).await?;
        }
        Ok(applied)
    }
}

/// Dies only in a step that has events: one that only moves the owner record over what is
/// not the projection's shows nothing.
fn crash_with(events: &[Evaluated<'_>], point: CrashPoint) {
    if !events.is_empty() {
        crash(point);
    }
}

/// Writes down what became of the events, and moves the owner record.
async fn record(
    connection: &mut PgConnection,
    generation: &Generation,
    step: &Step<'_>,
    owned: &Owned,
    outcome: Outcome<'_, '_>,
    order: Order,
) -> Result<Applied, Failure> {
    if !outcome.failed.is_empty() {
        crash(CrashPoint::ParkingBeforeInsert);
    }
    parking::park(connection, generation, &outcome.failed).await?;
    parking::queue(connection, generation, &outcome.waiting).await?;
    if !outcome.failed.is_empty() {
        if planted(Bug::ParkOutsideTransaction) {
            commit_early(connection).await?;
        }
        crash(CrashPoint::ParkingAfterInsertBeforeRecord);
    }
    let before = owned.newest.as_ref().map_or(0, |newest| newest.applied);
    let applied = before + i64::try_from(outcome.applied).unwrap_or(i64::MAX);
    let (checkpoint, stopped) = match outcome.stop {
        None => {
            let reached = Checkpoint {
                applied,
                ..step.reached.clone()
            };
            if order == Order::Total {
                stops::clear(connection, generation, reached.position).await?;
            }
            (reached, None)
        }
        Some((event, reason)) => {
            let reached = match (outcome.last, &owned.newest) {
                (None, Some(newest)) => newest.clone(),
                (last, _) => Checkpoint {
                    position: last.map_or(generation.start, |last| last.event.position),
                    identity: last.map(|last| last.event.identity()),
                    next_offset: None,
                    applied,
                    ..step.reached.clone()
                },
            };
            let stop = stops::record(connection, generation, event, reason).await?;
            (reached, Some(stop))
        }
    };
    if !planted(Bug::CheckpointBeforeEffect) {
        checkpoints::advance(connection, owned, &checkpoint).await?;
    }
    Ok(Applied {
        applied: outcome.applied,
        parked: outcome.waiting.len(),
        skipped: outcome.skipped,
        checkpoint,
        stopped,
    })
}

/// What planted bugs do: ends the transaction before all that belongs together is in it.
async fn commit_early(connection: &mut PgConnection) -> Result<(), TargetError> {
    let committed = sqlx::raw_sql("commit; begin").execute(connection).await;
    committed
        .map(|_| ())
        .map_err(TargetError::during("planting a bug"))
}
