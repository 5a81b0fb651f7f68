//! Trying the events of a parked subject again, in order.

use std::collections::HashMap;

use dragoman_core::RecordedEvent;
use dragoman_faults::{CrashPoint, crash};

use super::apply::edited;
use super::destination::Destination;
use super::evaluate::evaluate;
use super::write::{OnFailure, check_at_once, settle};
use crate::bookkeeping::decisions::decided_among;
use crate::bookkeeping::error::{ApplyError, TargetError};
use crate::bookkeeping::generation::{Generation, Use, share};
use crate::bookkeeping::parked::ParkedSubject;
use crate::bookkeeping::parking::Failure;
use crate::bookkeeping::queue::Queue;
use crate::bookkeeping::step::Drained;
use crate::bookkeeping::target::Target;
use crate::{DatabaseEffect, Definition};

const DOING: &str = "trying a parked subject again";

impl Target {
    /// Tries the events of a parked subject in order, holding its row: those that take
    /// effect or were skipped leave the queue; at the first that fails the rest stays,
    /// held. `events` are those at the positions of [`Target::due`], by position. A
    /// subject that is not to be tried any more, or now, or was tried since, is left as it is.
    ///
    /// # Errors
    /// As [`Target::apply`].
    pub async fn drain(
        &self,
        definition: &Definition,
        effect: DatabaseEffect<'_>,
        generation: &Generation,
        subject: &ParkedSubject,
        events: &[RecordedEvent],
    ) -> Result<Drained, ApplyError> {
        let mut transaction = self.begin(DOING).await?;
        let connection = &mut *transaction;
        let usage = Use {
            mode: generation.mode,
            definition_hash: &definition.hash,
        };
        let table = share(connection, generation, usage).await?;
        let destination = Destination::of(effect, table.as_ref()).ok_or(ApplyError::Superseded)?;
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
        let decided = decided_among(connection, &definition.name, events).await?;
        let edited = edited(events, &decided);
        // The edited ones last: of one event they are those that count.
        let evaluated = evaluate(definition, effect, events.iter().chain(&edited));
        let by_identity: HashMap<_, _> = evaluated
            .iter()
            .map(|event| (event.event().identity(), event))
            .collect();
        let (mut effective, mut skipped, mut failure) = (Vec::new(), Vec::new(), None);
        for event in waiting
            .iter()
            .map_while(|identity| by_identity.get(identity))
        {
            match &event.work {
                _ if decided.is_skipped(event.event()) => skipped.push(*event),
                Ok(_) => effective.push(*event),
                Err(reason) => {
                    failure = Some((*event, reason.clone()));
                    break;
                }
            }
        }
        check_at_once(connection).await?;
        let mut settled = settle(connection, destination, effective, OnFailure::Stop).await?;
        failure = settled.failed.pop().or(failure);
        if let Some((failing, _)) = &failure {
            let end = failing.event().position;
            skipped.retain(|event| event.event().position < end);
        }
        let done = settled.applied.iter().chain(&skipped);
        let done = done.map(|event| event.event().position);
        queue.leave(connection, done).await?;
        let drained = Drained {
            applied: settled.applied.len(),
            skipped: skipped.len(),
            left: queue.length(connection).await?,
        };
        match failure {
            Some((failing, reason)) => {
                let another = failing.event().position > subject.first_position;
                let failure = Failure::held(reason);
                queue.keep(connection, &failure, another).await?;
            }
            None if drained.left == 0 => queue.end(connection).await?,
            None => {}
        }
        queue.count(connection, drained.applied).await?;
        crash(CrashPoint::ParkingMidDrain);
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(drained)
    }
}
