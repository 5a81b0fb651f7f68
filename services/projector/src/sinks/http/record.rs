//! Writing down what came of events that were sent: parking and owner record in one
//! transaction of the hub's database, after the effect.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;

use dragoman_core::RecordedEvent;
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sqlx::PgConnection;

use super::window::{Entry, Line, State};
use crate::bookkeeping::checkpoints::{self, Owned};
use crate::bookkeeping::decisions::{Decided, Verdict, decided_among};
use crate::bookkeeping::error::{ApplyError, TargetError};
use crate::bookkeeping::followed::Followed;
use crate::bookkeeping::generation::{Generation, Use};
use crate::bookkeeping::looked::{Looked, look_ahead};
use crate::bookkeeping::parking::{self, Failed};
use crate::bookkeeping::standing::stand;
use crate::bookkeeping::step::{Applied, Step};
use crate::bookkeeping::stops::{self, Stop};
use crate::bookkeeping::target::{PRUNE_EVERY, Target};
use crate::{Checkpoint, Definition, Order};

/// What is known of events before they are sent.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    pub(crate) decided: Decided,
    /// The topics and subjects that are parked among theirs.
    pub(crate) parked: HashSet<Line>,
}

/// What came of an attempt to record.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// It is written down.
    Applied(Box<Applied>),
    /// Nothing is: these are not parked any more, and events of theirs stand behind.
    Free(Vec<Line>),
}

impl Target {
    /// What decisions and parking say of events that are about to be sent, and that the
    /// reader is this one's. Holds and changes nothing: [`Target::record`] looks again.
    ///
    /// # Errors
    /// See [`ApplyError`].
    pub(crate) async fn outlook(
        &self,
        definition: &Definition,
        generation: &Generation,
        step: &Step<'_>,
    ) -> Result<Outlook, ApplyError> {
        let mut connection = self.connection("looking before events are sent").await?;
        let (whose, expected) = (&step.reached, step.expected);
        let usage = usage(definition, step);
        let looking = look_ahead(
            &mut connection,
            generation,
            usage,
            whose,
            expected,
            step.events,
        );
        let Looked {
            parked,
            any_decided,
            ..
        } = looking.await?;
        let decided = if any_decided {
            decided_among(&mut connection, &definition.name, step.events).await?
        } else {
            Decided::default()
        };
        let followed = step
            .events
            .iter()
            .filter_map(|event| Followed::of(definition, event));
        let parked = parked.among(&mut connection, generation, followed).await?;
        Ok(Outlook { decided, parked })
    }

    /// Moves the owner record over events that are settled, parks those that failed and
    /// queues those behind, in one transaction. `entries` are those of the step.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing is written down then, or, when the connection was lost
    /// at the commit, it is open: read the checkpoint.
    pub(crate) async fn record(
        &self,
        definition: &Definition,
        generation: &Generation,
        step: &Step<'_>,
        entries: &[&Entry],
    ) -> Result<Recorded, ApplyError> {
        const DOING: &str = "recording what was sent";
        let mut transaction = self.begin(DOING).await?;
        let prune = self
            .steps
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(PRUNE_EVERY);
        let recording = Recording {
            definition,
            generation,
            step,
            entries,
        };
        let recorded = recording.run(&mut transaction, prune).await?;
        if matches!(recorded, Recorded::Applied(_)) {
            transaction
                .commit()
                .await
                .map_err(TargetError::during(DOING))?;
        }
        Ok(recorded)
    }
}

fn usage<'d>(definition: &'d Definition, step: &Step<'_>) -> Use<'d> {
    Use {
        mode: step.reached.reader.mode(),
        definition_hash: &definition.hash,
    }
}

struct Recording<'r> {
    definition: &'r Definition,
    generation: &'r Generation,
    step: &'r Step<'r>,
    entries: &'r [&'r Entry],
}

impl Recording<'_> {
    async fn run(
        &self,
        connection: &mut PgConnection,
        prune: bool,
    ) -> Result<Recorded, ApplyError> {
        let Self {
            definition,
            generation,
            step,
            entries,
        } = *self;
        let usage = usage(definition, step);
        let (whose, expected) = (&step.reached, step.expected);
        let standing = stand(connection, generation, usage, whose, expected, step.events).await?;
        let owned = standing.owned;
        if !entries.is_empty() {
            crash(CrashPoint::SendingBeforeRecord);
        }
        if definition.order == Order::Total {
            let applied = self.record_in_line(connection, &owned).await?;
            return Ok(Recorded::Applied(Box::new(applied)));
        }
        let waiting: Vec<Followed<'_>> = entries
            .iter()
            .filter(|entry| matches!(entry.state, State::Failed(_) | State::Behind))
            .map(|entry| followed(entry))
            .collect();
        let parked = standing
            .parked
            .hold_among(connection, generation, waiting.iter().copied())
            .await?;
        let free = free(entries, &parked);
        if !free.is_empty() && !planted(Bug::QueueWithoutLooking) {
            return Ok(Recorded::Free(free));
        }
        let failed: Vec<Failed<'_>> = entries
            .iter()
            .filter_map(|entry| match &entry.state {
                State::Failed(failure) => Some(Failed {
                    event: followed(entry),
                    failure: failure.clone(),
                }),
                _ => None,
            })
            .collect();
        parking::park(connection, generation, &failed).await?;
        parking::queue(connection, generation, &waiting).await?;
        let applied = count(entries, &State::Done);
        let checkpoint = Checkpoint {
            applied: before(&owned) + i64::try_from(applied).unwrap_or(i64::MAX),
            ..step.reached.clone()
        };
        checkpoints::advance(connection, &owned, &checkpoint).await?;
        if !entries.is_empty() {
            crash(CrashPoint::SendingAfterRecordBeforeCommit);
        }
        if prune {
            checkpoints::prune(connection, &owned).await?;
        }
        Ok(Recorded::Applied(Box::new(Applied {
            applied,
            parked: waiting.len(),
            skipped: count(entries, &State::Skipped),
            checkpoint,
            stopped: None,
        })))
    }

    /// In a total order nothing counts that comes after the first that failed. Only what it
    /// had stopped at can have been decided since it was sent: that is brought again then, as
    /// it is when the reader has moved.
    async fn record_in_line(
        &self,
        connection: &mut PgConnection,
        owned: &Owned,
    ) -> Result<Applied, ApplyError> {
        let failed = self
            .entries
            .iter()
            .position(|entry| matches!(entry.state, State::Failed(_)));
        let done = self.entries.get(..failed.unwrap_or(self.entries.len()));
        let done = done.unwrap_or_default();
        let applied = count(done, &State::Done);
        let total = before(owned) + i64::try_from(applied).unwrap_or(i64::MAX);
        let mut stopped: Option<Stop> = None;
        let checkpoint = match failed.and_then(|at| self.entries.get(at)) {
            None => {
                let reached = Checkpoint {
                    applied: total,
                    ..self.step.reached.clone()
                };
                if stops::clear(connection, self.generation, reached.position).await?
                    && self.decided_otherwise(connection).await?
                {
                    return Err(ApplyError::LostOwnership);
                }
                reached
            }
            Some(entry) => {
                if self.decided_otherwise(connection).await? {
                    return Err(ApplyError::LostOwnership);
                }
                if let State::Failed(failure) = &entry.state {
                    let reason = failure.reason.clone();
                    let stop = stops::record(connection, self.generation, followed(entry), reason);
                    stopped = Some(stop.await?);
                }
                let last: Option<&RecordedEvent> = done.last().map(|entry| &*entry.event);
                match (last, &owned.newest) {
                    (None, Some(newest)) => newest.clone(),
                    (last, _) => Checkpoint {
                        position: last.map_or(self.generation.start, |last| last.position),
                        identity: last.map(RecordedEvent::identity),
                        next_offset: None,
                        applied: total,
                        ..self.step.reached.clone()
                    },
                }
            }
        };
        checkpoints::advance(connection, owned, &checkpoint).await?;
        Ok(Applied {
            applied,
            parked: 0,
            skipped: count(done, &State::Skipped),
            checkpoint,
            stopped,
        })
    }

    /// Whether an operator has decided otherwise about an event since it was sent.
    async fn decided_otherwise(&self, connection: &mut PgConnection) -> Result<bool, TargetError> {
        let events: Vec<&RecordedEvent> = self.entries.iter().map(|it| &*it.event).collect();
        let decided = decided_among(connection, &self.definition.name, &events).await?;
        Ok(self
            .entries
            .iter()
            .any(|entry| match decided.about(&entry.event) {
                Some(Verdict::Skip) => entry.state != State::Skipped,
                Some(Verdict::Edit { edits, .. }) => *edits != entry.edits,
                None => false,
            }))
    }
}

/// Topics and subjects with an event that stands behind, though nothing before it is
/// parked or about to be.
fn free(entries: &[&Entry], parked: &HashSet<Line>) -> Vec<Line> {
    let mut first: BTreeMap<(&str, &str), &State> = BTreeMap::new();
    for entry in entries {
        if matches!(entry.state, State::Failed(_) | State::Behind) {
            first
                .entry(followed(entry).subject())
                .or_insert(&entry.state);
        }
    }
    first
        .into_iter()
        .filter(|(_, state)| **state == State::Behind)
        .map(|((topic, subject), _)| (topic.to_owned(), subject.to_owned()))
        .filter(|line| !parked.contains(line))
        .collect()
}

fn followed(entry: &Entry) -> Followed<'_> {
    Followed {
        event: &entry.event,
        topic: &entry.topic,
    }
}

fn count(entries: &[&Entry], wanted: &State) -> usize {
    if planted(Bug::RecordBeforeCall) && *wanted == State::Done {
        return entries.len();
    }
    entries
        .iter()
        .filter(|entry| entry.state == *wanted)
        .count()
}

fn before(owned: &Owned) -> i64 {
    owned.newest.as_ref().map_or(0, |newest| newest.applied)
}
