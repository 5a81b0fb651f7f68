//! One step of a reader: effect, parking and owner record in one transaction.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use dragoman_core::RecordedEvent;
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sqlx::PgConnection;

use super::careful::{Attempt, Care, Failure};
use super::destination::Destination;
use super::evaluate::{Evaluated, evaluate};
use super::folding::RowCache;
use super::outcome::{Outcome, Writing};
use super::plan::Plan;
use crate::bookkeeping::checkpoints::{self, Owned};
use crate::bookkeeping::decisions::{Decided, decided_among};
use crate::bookkeeping::error::{ApplyError, TargetError};
use crate::bookkeeping::followed::Followed;
use crate::bookkeeping::generation::{Generation, Use};
use crate::bookkeeping::parking::{self, Failed};
use crate::bookkeeping::standing::{Standing, stand};
use crate::bookkeeping::step::{Applied, Step};
use crate::bookkeeping::stops;
use crate::bookkeeping::target::{PRUNE_EVERY, Target};
use crate::{Checkpoint, DatabaseEffect, Definition, Order};

impl Target {
    /// Lets events take effect, parks what cannot, and moves the owner record, in one
    /// transaction. `effect` is the definition's ([`Effect::in_database`](crate::Effect::in_database)). A value that the database refuses is found
    /// and its event parked; the others take effect.
    ///
    /// `cache` is of this reader and generation alone, or empty. What becomes of rows does
    /// not depend on it: one that was written by somebody else since is noticed.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing took effect then, or, when the connection was lost
    /// at the commit, it is open: read the checkpoint.
    pub async fn apply(
        &self,
        definition: &Definition,
        effect: DatabaseEffect<'_>,
        generation: &Generation,
        step: Step<'_>,
        cache: &mut RowCache,
    ) -> Result<Applied, ApplyError> {
        let events = evaluate(definition, effect, step.events);
        let prune = self
            .steps
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(PRUNE_EVERY);
        let work = StepWork {
            definition,
            effect,
            generation,
            step: &step,
            events: &events,
            prune,
        };
        self.carefully("beginning a step", &work, cache).await
    }
}

/// What is done in the transaction of a step.
struct StepWork<'s> {
    definition: &'s Definition,
    effect: DatabaseEffect<'s>,
    generation: &'s Generation,
    step: &'s Step<'s>,
    events: &'s [Evaluated<'s>],
    /// Whether it looks for old checkpoints.
    prune: bool,
}

impl Attempt for StepWork<'_> {
    type Done = Applied;

    async fn run(
        &self,
        connection: &mut PgConnection,
        care: Care,
        cache: &mut RowCache,
    ) -> Result<Applied, Failure> {
        let Self {
            definition,
            effect,
            generation,
            step,
            events,
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
            parked,
            any_decided,
        } = stand(connection, generation, usage, whose, expected, step.events).await?;
        let destination = Destination::of(effect, table.as_ref()).ok_or(ApplyError::Superseded)?;
        let decided = if any_decided {
            decided_among(connection, &definition.name, step.events).await?
        } else {
            Decided::default()
        };
        let followed = events.iter().map(|event| event.followed);
        let parked = parked.hold_among(connection, generation, followed).await?;
        crash_with(events, CrashPoint::ProjectionBeforeEffect);
        if planted(Bug::CheckpointBeforeEffect) {
            checkpoints::advance(connection, &owned, &step.reached).await?;
            commit_early(connection).await?;
        }
        let edited = edited(step.events, &decided);
        let edited: HashMap<_, _> = evaluate(definition, effect, &edited)
            .into_iter()
            .map(|event| (event.event().position, event))
            .collect();
        let events = events
            .iter()
            .map(|event| edited.get(&event.event().position).unwrap_or(event));
        let plan = Plan::of(events, definition.order, &decided, &parked);
        let writing = Writing {
            order: definition.order,
            destination,
            care,
        };
        let outcome = writing.outcome(connection, plan, cache).await?;
        crash_with(self.events, CrashPoint::ProjectionAfterEffectBeforeRecord);
        if planted(Bug::EffectBeforeCheckpoint) {
            commit_early(connection).await?;
        }
        let order = definition.order;
        let applied = record(connection, generation, step, &owned, outcome, order).await?;
        crash_with(self.events, CrashPoint::ProjectionAfterRecordBeforeCommit);
        if prune {
            checkpoints::prune(connection, &owned).await?;
        }
        Ok(applied)
    }
}

/// The events that the projection is to see otherwise than they are, as it is to see them.
pub(super) fn edited(events: &[RecordedEvent], decided: &Decided) -> Vec<RecordedEvent> {
    events
        .iter()
        .filter_map(|event| decided.edited(event))
        .collect()
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
    // Held: what the database or a program refuses once it refuses again.
    let failed: Vec<Failed<'_>> = outcome
        .failed
        .iter()
        .map(|(event, reason)| Failed {
            event: event.followed,
            failure: parking::Failure::held(reason.clone()),
        })
        .collect();
    let waiting: Vec<Followed<'_>> = outcome.waiting.iter().map(|event| event.followed).collect();
    parking::park(connection, generation, &failed).await?;
    parking::queue(connection, generation, &waiting).await?;
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
                    position: last.map_or(generation.start, |last| last.event().position),
                    identity: last.map(|last| last.event().identity()),
                    next_offset: None,
                    applied,
                    ..step.reached.clone()
                },
            };
            let stop = stops::record(connection, generation, event.followed, reason).await?;
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
