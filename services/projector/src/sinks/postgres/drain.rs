//! Trying the events of a parked subject again, in order.

use std::collections::HashMap;

use dragoman_core::RecordedEvent;
use dragoman_faults::{CrashPoint, crash};
use sqlx::PgConnection;

use super::decisions::skips_among;
use super::error::{ApplyError, TargetError};
use super::evaluate::evaluate;
use super::generation::{Generation, Use, share};
use super::parked::ParkedSubject;
use super::queue::Queue;
use super::session::Target;
use super::write::{OnFailure, check_at_once, settle};
use crate::Definition;

const DOING: &str = "trying a parked subject again";

/// What came of draining a parked subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Events that took effect.
    pub applied: usize,
    /// Events that an operator had decided to skip.
    pub skipped: usize,
    /// Events that still wait, because the first of them failed again or was not
    /// brought.
    pub left: usize,
}

impl Target {
    /// Tries the events of a parked subject in order, holding its row: those that take
    /// effect or were skipped leave the queue; at the first that fails the rest stays,
    /// held. `events` are those at the positions of [`Target::due`], by position. A
    /// subject that is not to be tried any more, or now, is left as it is.
    ///
    /// # Errors
    /// As [`Target::apply`].
    pub async fn drain(
        &self,
        definition: &Definition,
        generation: &Generation,
        subject: &ParkedSubject,
        events: &[RecordedEvent],
    ) -> Result<Drained, ApplyError> {
        let evaluated = evaluate(definition, events);
        let mut transaction = self.begin(DOING).await?;
        let connection = &mut *transaction;
        let usage = Use {
            mode: generation.mode,
            definition_hash: &definition.hash,
        };
        let table = share(connection, generation, usage).await?;
        let queue = Queue {
            generation,
            subject,
        };
        if !queue.hold(connection).await? {
            return Ok(Drained {
                left: queue.length(connection).await?,
                ..Drained::default()
            });
        }
        let waiting = queue.first(connection, events.len()).await?;
        let skips = skips_among(connection, &definition.name, events).await?;
        let by_identity: HashMap<_, _> = evaluated
            .iter()
            .map(|event| (event.event.identity(), event))
            .collect();
        let (mut effective, mut skipped, mut failure) = (Vec::new(), Vec::new(), None);
        for event in waiting
            .iter()
            .map_while(|identity| by_identity.get(identity))
        {
            match &event.rows {
                _ if skips.contains(event.event) => skipped.push(*event),
                Ok(_) => effective.push(*event),
                Err(reason) => {
                    failure = Some((*event, reason.clone()));
                    break;
                }
            }
        }
        check_at_once(connection).await?;
        let mut settled =
            settle(connection, definition, &table, effective, OnFailure::Stop).await?;
        failure = settled.failed.pop().or(failure);
        if let Some((failing, _)) = &failure {
            let end = failing.event.position;
            skipped.retain(|event| event.event.position < end);
        }
        let done = settled.applied.iter().chain(&skipped).copied();
        queue.leave(connection, done).await?;
        let drained = Drained {
            applied: settled.applied.len(),
            skipped: skipped.len(),
            left: queue.length(connection).await?,
        };
        match failure {
            Some((_, reason)) => queue.keep_held(connection, &reason).await?,
            None if drained.left == 0 => queue.end(connection).await?,
            None => {}
        }
        count(connection, generation, drained.applied).await?;
        crash(CrashPoint::ParkingMidDrain);
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(drained)
    }
}

/// Counts events that took effect from the queue. The row takes up older ones that no
/// other transaction is taking up, so that there are few.
async fn count(
    connection: &mut PgConnection,
    generation: &Generation,
    applied: usize,
) -> Result<(), TargetError> {
    if applied == 0 {
        return Ok(());
    }
    sqlx::query(
        "with older as (
             delete from dragoman_projection.drained where id in (
                 select id from dragoman_projection.drained
                 where projection = $1 and generation = $2
                 order by id limit 100 for update skip locked)
             returning applied
         )
         insert into dragoman_projection.drained (projection, generation, applied)
         select $1, $2, $3 + coalesce(sum(applied), 0)::bigint from older",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(i64::try_from(applied).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during(DOING))
}
