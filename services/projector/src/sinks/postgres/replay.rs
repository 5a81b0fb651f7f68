//! Giving events to their statements again, on purpose: what they do and how far the
//! replay has come are one transaction.

use std::sync::Arc;

use dragoman_core::{Position, RecordedEvent};
use sqlx::PgConnection;

use super::careful::{Attempt, Care, Failure, bring_in};
use super::destination::Destination;
use super::evaluate::{Evaluated, evaluate};
use super::folding::RowCache;
use super::write::OnFailure;
use crate::bookkeeping::error::ApplyError;
use crate::bookkeeping::replaying::{Moved, move_replay, record_replayed};
use crate::bookkeeping::replays::unfinished;
use crate::bookkeeping::target::Target;
use crate::{DatabaseEffect, Definition, Replay, ReplayRefusal, StatementEffect};

/// Some events of a replay, by position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayStep<'s> {
    /// The replay, where it was left.
    pub(crate) replay: &'s Replay,
    /// The events, as the projection sees them.
    pub(crate) events: &'s [Arc<RecordedEvent>],
    /// No other event that is selected is at or below.
    pub(crate) through: Position,
}

impl Target {
    /// Executes the statements of events once more and moves the replay behind them, in
    /// one transaction. What the database refuses is written down and passed over. Returns
    /// the replay as it is then.
    ///
    /// # Errors
    /// [`ApplyError::LostOwnership`] when the replay is not where it was left: another
    /// process has it, or it was abandoned; otherwise as [`Target::apply`]. The same step
    /// may be tried again: each event takes effect once.
    pub(crate) async fn execute_again(
        &self,
        definition: &Definition,
        effect: &StatementEffect,
        step: ReplayStep<'_>,
    ) -> Result<Replay, ApplyError> {
        let effect = DatabaseEffect::Statements(effect);
        let events = step.events.iter().map(Arc::as_ref);
        let execution = Execution {
            definition,
            step,
            events: evaluate(definition, effect, events),
        };
        let mut none = RowCache::default();
        self.carefully("beginning a step of a replay", &execution, &mut none)
            .await
    }
}

struct Execution<'s> {
    definition: &'s Definition,
    step: ReplayStep<'s>,
    events: Vec<Evaluated<'s>>,
}

impl Attempt for Execution<'_> {
    type Done = Replay;

    async fn run(
        &self,
        connection: &mut PgConnection,
        care: Care,
        cache: &mut RowCache,
    ) -> Result<Replay, Failure> {
        let ReplayStep {
            replay, through, ..
        } = self.step;
        // The replay first: whoever else has it waits here, and does nothing then.
        match move_replay(connection, replay, through).await? {
            Moved::Now => self.execute(connection, (care, cache)).await?,
            // A try before this one did it all, and the answer to its commit got lost.
            Moved::Before => {}
            Moved::Not => return Err(ApplyError::LostOwnership.into()),
        }
        let now = unfinished(connection, &self.definition.name).await?;
        let now = now.filter(|now| now.id == replay.id);
        now.ok_or_else(|| ApplyError::LostOwnership.into())
    }
}

impl Execution<'_> {
    async fn execute(
        &self,
        connection: &mut PgConnection,
        how: (Care, &mut RowCache),
    ) -> Result<(), Failure> {
        let (mut effective, mut refusals) = (Vec::new(), Vec::new());
        for event in &self.events {
            match &event.work {
                Ok(_) => effective.push(event),
                Err(reason) => refusals.push(refused(event, reason.clone())),
            }
        }
        let (destination, on_failure) = (Destination::Statements, OnFailure::PassOver);
        let settled = bring_in(connection, destination, effective, on_failure, how).await?;
        let failed = settled.failed.into_iter();
        refusals.extend(failed.map(|(event, reason)| refused(event, reason)));
        let executed = i64::try_from(settled.applied.len()).unwrap_or(i64::MAX);
        Ok(record_replayed(connection, self.step.replay.id, executed, &refusals).await?)
    }
}

fn refused(event: &Evaluated<'_>, reason: String) -> ReplayRefusal {
    let event = event.event();
    ReplayRefusal {
        identity: event.identity(),
        subject: event.event.subject.clone(),
        reason,
    }
}
