//! Building a projection's table again, beside the live one.

use dragoman_core::Position;
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::Store;

use super::ProjectorError;
use super::alone::Alone;
use super::answer_limit::AnswerLimit;
use super::building::Building;
use super::cursor::{Cursor, Place};
use super::lineage::compare;
use super::patience::{Quit, Tries, patiently};
use super::read_ahead::{ReadAhead, Reading};
use super::session::StepEnd;
use crate::{
    Checkpoint, Definition, Effect, LiveLock, Opened, Reader, TableEffect, Target, TargetError,
};

/// Events of the log in one transaction of the target, about.
pub(super) const WINDOW: usize = 4_000;
/// How near the end the live table is held still.
const NEAR: i64 = 1_000;

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Everything at or below is built.
    pub position: Position,
    /// Where the ledger ended when last looked at.
    pub head: Position,
}

/// What a rebuild came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOutcome {
    /// The number of the new generation.
    pub generation: i32,
    /// Everything at or below was built when the tables were swapped.
    pub position: Position,
    /// Events that took effect.
    pub applied: i64,
    /// Events that are parked in the new generation.
    pub parked: i64,
}

/// Builds the table of a projection again beside the live one, from the first event by
/// the ledger, catches up, and swaps the two in one transaction, while the live one
/// goes on. What operators decided to skip stays skipped. Interrupted, it leaves the
/// live one as it is; the next one begins afresh.
///
/// # Errors
/// When another rebuild of it runs, or as [`run`](super::run()).
pub async fn rebuild(
    definition: &Definition,
    store: &Store,
    target: &Target,
    instance: &str,
    progress: &(dyn Fn(RebuildProgress) + Send + Sync),
) -> Result<RebuildOutcome, ProjectorError> {
    let Effect::Table(effect) = &definition.effect else {
        return Err(ProjectorError::NoTable {
            projection: definition.name.clone(),
        });
    };
    let runs = || ProjectorError::RebuildRuns {
        projection: definition.name.clone(),
    };
    let lease = format!("rebuild {}", definition.name);
    let alone = Alone::take(store, &lease, instance).await;
    let alone = alone.map_err(ProjectorError::store(&definition.name))?;
    let alone = alone.ok_or_else(runs)?;
    let rebuild = Rebuild {
        definition,
        effect,
        store,
        target,
        progress,
        quit: Quit::with(&alone.loss()),
    };
    let built = rebuild.build().await;
    alone.give_back().await;
    built.map_err(|end| match end {
        StepEnd::Halted(error) => error,
        // The lease is lost, or the generation is not being built any more: either way
        // somebody else rebuilds. It reads the log alone, so no reader of Kafka ends it.
        StepEnd::Quit | StepEnd::LostOwnership | StepEnd::Superseded | StepEnd::ReaderStalled => {
            runs()
        }
    })
}

pub(super) struct Rebuild<'a> {
    pub(super) definition: &'a Definition,
    pub(super) effect: &'a TableEffect,
    pub(super) store: &'a Store,
    pub(super) target: &'a Target,
    progress: &'a (dyn Fn(RebuildProgress) + Send + Sync),
    pub(super) quit: Quit,
}

impl Rebuild<'_> {
    pub(super) fn name(&self) -> &str {
        &self.definition.name
    }

    async fn build(&self) -> Result<RebuildOutcome, StepEnd> {
        let mut building = self.begin().await?;
        let mut tries = Tries::default();
        let mut limit = AnswerLimit::default();
        loop {
            self.catch_up(&mut building).await?;
            let finishing = async {
                match self.target.lock_live(self.name()).await {
                    Ok(live) => self.finish(&mut building, live).await,
                    Err(error) => Err(ProjectorError::target(self.name())(error).into()),
                }
            };
            let finished = limit.wait(self.name(), finishing).await;
            match finished.unwrap_or_else(|no_answer| Err(no_answer.into())) {
                Err(StepEnd::Halted(error)) if error.is_unavailable() => {
                    // The lock went with its connection; what is built stays. If that was
                    // at the commit, the tables may be swapped.
                    if !tries.rest(self.name(), &error, &self.quit).await {
                        return Err(StepEnd::Quit);
                    }
                    if self.live().await?.generation.number == building.generation.number {
                        return Ok(building.outcome());
                    }
                }
                finished => return finished,
            }
        }
    }

    async fn begin(&self) -> Result<Building, StepEnd> {
        let live = self.live().await?;
        let compared = patiently(self.name(), &self.quit, || {
            compare(self.store, self.name(), &live.checkpoints)
        });
        compared.await?.ok_or(StepEnd::Quit)?;
        let begun = patiently(self.name(), &self.quit, || async {
            self.target
                .begin_rebuild(self.definition)
                .await
                .map_err(ProjectorError::open(self.name()))
        });
        let generation = begun.await?.ok_or(StepEnd::Quit)?;
        let types = self.definition.events.keys().cloned().collect();
        let cursor = Cursor::new(Reader::Ledger, types, &generation, &[]);
        Ok(Building {
            generation,
            cursor,
            applied: 0,
            parked: 0,
        })
    }

    async fn live(&self) -> Result<Opened, StepEnd> {
        let looked = patiently(self.name(), &self.quit, || async {
            let looked = self.target.look(self.name()).await;
            looked.map_err(ProjectorError::target(self.name()))
        });
        let live = looked.await?.ok_or(StepEnd::Quit)?;
        let never = || ProjectorError::NeverOpened {
            projection: self.name().to_owned(),
        };
        live.ok_or_else(|| never().into())
    }

    /// Builds until the end of the ledger is near.
    async fn catch_up(&self, building: &mut Building) -> Result<(), StepEnd> {
        let mut tries = Tries::default();
        let mut limit = AnswerLimit::default();
        loop {
            let head = self.head().await?;
            let position = building.cursor.position();
            (self.progress)(RebuildProgress { position, head });
            if planted(Bug::SwapBeforeLevel) || head.0 - position.0 <= NEAR {
                return Ok(());
            }
            match self.read_through(building, head, &limit).await {
                Ok(()) => (tries, limit) = (Tries::default(), AnswerLimit::default()),
                Err(StepEnd::Halted(error)) if error.is_unavailable() => {
                    limit.lengthen();
                    if !tries.rest(self.name(), &error, &self.quit).await {
                        return Err(StepEnd::Quit);
                    }
                }
                Err(end) => return Err(end),
            }
        }
    }

    /// Builds until that end of the ledger is near; the log is read meanwhile.
    async fn read_through(
        &self,
        building: &mut Building,
        head: Position,
        limit: &AnswerLimit,
    ) -> Result<(), StepEnd> {
        let reading = Reading {
            projection: self.name().to_owned(),
            place: building.cursor.reached().clone(),
            types: building.cursor.types.iter().cloned().collect(),
            about: WINDOW,
            limit: limit.clone(),
        };
        let mut log = ReadAhead::start(self.store, reading);
        while head.0 - building.cursor.position().0 > NEAR {
            let read = tokio::select! {
                biased;
                () = self.quit.cancelled() => return Err(StepEnd::Quit),
                read = log.next() => read?,
            };
            let Some(stretch) = read else { break };
            let to = Place {
                position: stretch.last.position,
                identity: Some(stretch.last),
                next_offset: None,
            };
            self.build_on(building, stretch.events, to).await?;
            let position = building.cursor.position();
            (self.progress)(RebuildProgress { position, head });
        }
        Ok(())
    }

    /// Builds what is left while the live table stands still, and swaps.
    async fn finish(
        &self,
        building: &mut Building,
        live: LiveLock,
    ) -> Result<RebuildOutcome, StepEnd> {
        let level = live
            .checkpoints()
            .iter()
            .map(|checkpoint| checkpoint.position)
            .max()
            .unwrap_or(Position::ZERO);
        crash(CrashPoint::RebuildAfterFence);
        if planted(Bug::SwapBeforeLevel) {
            building.cursor.pass(Place {
                position: level.max(building.cursor.position()),
                ..building.cursor.reached().clone()
            });
        }
        while building.cursor.position() < level {
            if !self.step(building).await? {
                // The live table has events that the ledger has not.
                compare(self.store, self.name(), live.checkpoints()).await?;
                return Err(StepEnd::Quit);
            }
        }
        if building.cursor.is_ahead() && building.cursor.position() > Position::ZERO {
            let place = building.cursor.reached().clone();
            self.apply(building, &[], &place).await?;
        }
        let place = building.cursor.reached();
        let reached = Checkpoint {
            reader: Reader::Ledger,
            types: building.cursor.types.clone(),
            position: place.position,
            identity: place.identity.clone(),
            next_offset: None,
            applied: building.applied,
        };
        match live.swap(&building.generation, &reached).await {
            Ok(_) => crash(CrashPoint::RebuildAfterSwap),
            Err(TargetError::NotBuilding { .. }) => return Err(StepEnd::Superseded),
            Err(error) => return Err(ProjectorError::target(self.name())(error).into()),
        }
        let position = building.cursor.position();
        (self.progress)(RebuildProgress {
            position,
            head: position,
        });
        Ok(building.outcome())
    }

    async fn head(&self) -> Result<Position, StepEnd> {
        let asked = patiently(self.name(), &self.quit, || async {
            self.store
                .head()
                .await
                .map_err(ProjectorError::store(self.name()))
        });
        asked.await?.ok_or(StepEnd::Quit)
    }
}
