//! Bringing the events of a parked subject to their receiver again, in order.
//!
//! No transaction may last as long as a call. So what is to be sent is looked up before the
//! calls, without holding anything; and a transaction behind them writes down what came of
//! them, if nobody else has tried the subject, or decided about its events, meanwhile. If
//! somebody has tried it, the calls were made under the same keys as his; what was edited is
//! sent again, under another.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use dragoman_core::{Identity, Position, RecordedEvent};
use dragoman_faults::{Bug, CrashPoint, crash, planted};

use tokio_util::sync::CancellationToken;

use super::receiver::{Letter, Persistence, Receiver};
use crate::bookkeeping::decisions::{Decided, Verdict, decided_among};
use crate::bookkeeping::error::{ApplyError, TargetError};
use crate::bookkeeping::generation::{Generation, Use, check, share};
use crate::bookkeeping::parked::ParkedSubject;
use crate::bookkeeping::parking::Failure;
use crate::bookkeeping::queue::Queue;
use crate::bookkeeping::step::Drained;
use crate::bookkeeping::target::Target;
use crate::{Definition, Effect};

const DOING: &str = "trying a parked subject again";

/// An event of a parked subject whose turn has come.
#[derive(Debug)]
enum Turn {
    Skip(Position),
    Send(Box<Letter>),
}

/// What came of the turns.
#[derive(Debug, Default)]
struct Outcome {
    applied: Vec<Position>,
    skipped: Vec<Position>,
    failed: Option<(Position, Failure)>,
}

impl Target {
    /// Sends the events of a parked subject in order; those that were taken, or skipped by
    /// an operator, leave the queue; at the first that fails the rest stays. `events` are
    /// those at the positions of [`Target::due`], by position, from the first on; what came
    /// of them is written down once all of them were sent.
    ///
    /// # Errors
    /// See [`ApplyError`]; of what was sent then nothing is written down, and it is sent
    /// again under the same keys.
    pub(crate) async fn drain_to(
        &self,
        receiver: &Receiver,
        definition: &Definition,
        generation: &Generation,
        subject: &ParkedSubject,
        events: &[RecordedEvent],
        closing: &CancellationToken,
    ) -> Result<Drained, ApplyError> {
        let queue = Queue {
            generation,
            subject,
        };
        let (turns, decided) = self.turns(&queue, definition, events).await?;
        let mut outcome = Outcome::default();
        for turn in turns {
            match turn {
                Turn::Skip(position) => outcome.skipped.push(position),
                Turn::Send(letter) => {
                    let position = letter.event.position;
                    let another = position > subject.first_position;
                    let attempts = if another { 0 } else { subject.attempts };
                    let attempts = u32::try_from(attempts).unwrap_or(0);
                    let persistence = Persistence::Once { attempts };
                    match receiver.deliver(&letter, persistence, closing).await {
                        None => break,
                        Some(Ok(())) => outcome.applied.push(position),
                        Some(Err(failure)) => {
                            let failure = if another {
                                failure
                            } else {
                                impatient(definition, subject, failure)
                            };
                            outcome.failed = Some((position, failure));
                            break;
                        }
                    }
                }
            }
        }
        self.write_down(&queue, definition, (events, &decided), outcome)
            .await
    }

    async fn turns(
        &self,
        queue: &Queue<'_>,
        definition: &Definition,
        events: &[RecordedEvent],
    ) -> Result<(Vec<Turn>, Decided), ApplyError> {
        let mut connection = self.connection(DOING).await?;
        let generation = queue.generation;
        check(&mut connection, generation, usage(definition, generation)).await?;
        if !queue.is_due(&mut connection).await? {
            return Ok((Vec::new(), Decided::default()));
        }
        let waiting = queue.first(&mut connection, events.len()).await?;
        let decided = decided_among(&mut connection, &definition.name, events).await?;
        let by_identity: HashMap<Identity, &RecordedEvent> = events
            .iter()
            .map(|event| (event.identity(), event))
            .collect();
        let mut waiting = waiting;
        if planted(Bug::QueueFromTheEnd) {
            waiting.reverse();
        }
        let turns = waiting
            .iter()
            .map_while(|identity| by_identity.get(identity))
            .map(|event| match decided.about(event) {
                Some(Verdict::Skip) => Turn::Skip(event.position),
                Some(Verdict::Edit { edits, .. }) => Turn::Send(Box::new(Letter {
                    event: Arc::new(decided.edited(event).unwrap_or_else(|| (*event).clone())),
                    generation: generation.number,
                    edits: *edits,
                    replay: None,
                })),
                None => Turn::Send(Box::new(Letter {
                    event: Arc::new((*event).clone()),
                    generation: generation.number,
                    edits: 0,
                    replay: None,
                })),
            })
            .collect();
        Ok((turns, decided))
    }

    /// `known`: what was decided about the events before they were sent.
    async fn write_down(
        &self,
        queue: &Queue<'_>,
        definition: &Definition,
        (events, known): (&[RecordedEvent], &Decided),
        outcome: Outcome,
    ) -> Result<Drained, ApplyError> {
        let mut transaction = self.begin(DOING).await?;
        let connection = &mut *transaction;
        let generation = queue.generation;
        share(connection, generation, usage(definition, generation)).await?;
        let as_it_was = queue.hold(connection).await?
            && decided_among(connection, &definition.name, events)
                .await?
                .agrees(known, events);
        if !as_it_was {
            return Ok(Drained {
                left: queue.length(connection).await?,
                ..Drained::default()
            });
        }
        let applied = queue.leave(connection, outcome.applied.into_iter()).await?;
        let skipped = queue.leave(connection, outcome.skipped.into_iter()).await?;
        let left = queue.length(connection).await?;
        let first = queue.first(connection, 1).await?;
        match &outcome.failed {
            // Whoever else tried the subject meanwhile has got past it.
            Some((position, _))
                if first
                    .first()
                    .is_none_or(|first| first.position != *position) => {}
            Some((position, failure)) => {
                let another = *position > queue.subject.first_position;
                queue.keep(connection, failure, another).await?;
            }
            None if left == 0 => queue.end(connection).await?,
            None => {}
        }
        queue.count(connection, applied).await?;
        crash(CrashPoint::ParkingMidDrain);
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(Drained {
            applied,
            skipped,
            left,
        })
    }
}

fn usage<'d>(definition: &'d Definition, generation: &Generation) -> Use<'d> {
    Use {
        mode: generation.mode,
        definition_hash: &definition.hash,
    }
}

/// A failure that has lasted as long as `retry.for` waits for an operator.
fn impatient(definition: &Definition, subject: &ParkedSubject, failure: Failure) -> Failure {
    let Effect::Requests(effect) = &definition.effect else {
        return failure;
    };
    let lasts = (Utc::now() - subject.failing_since)
        .to_std()
        .unwrap_or_default();
    if failure.again.is_none() || lasts < effect.retry.patience {
        return failure;
    }
    Failure::held(format!(
        "{}; it was tried for {} s, as long as retry.for says",
        failure.reason,
        effect.retry.patience.as_secs()
    ))
}
