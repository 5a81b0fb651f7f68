//! Tables in Postgres: effect, parking and owner record in one transaction of the
//! target's database.
//!
//! Everything that is kept beside the tables stands in the schema
//! `dragoman_projection` of the target: generations, checkpoints (append-only, newest
//! counts), parked subjects and events, stops, decisions. The target may be the hub's
//! own database or any other.
//!
//! Every transaction of an apply begins by sharing the row of its generation: a swap
//! takes that row for itself, waits for those under way, and those that come after it
//! find that their generation is not live any more.

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position, RecordedEvent};
use thiserror::Error;

use crate::{Checkpoint, Definition, Reader, ReaderMode};

/// A database that projections write to. Cheap to clone; clones share the sessions.
#[derive(Debug, Clone)]
pub struct Target {}

/// One building of a projection's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The projection.
    pub projection: String,
    /// From 1; one higher at each rebuild.
    pub number: i32,
    /// Where it stands.
    pub state: GenerationState,
    /// Who brings its events.
    pub mode: ReaderMode,
    /// Events at or below this were never its concern (`from:`).
    pub start: Position,
    /// Hash of the definition that its rows were made by.
    pub definition_hash: [u8; 32],
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationState {
    /// Its table is the one that people read.
    Live,
    /// It is being built beside the live one.
    Building,
    /// Another took its place.
    Retired,
}

/// A generation and how far its readers have come.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The live generation.
    pub generation: Generation,
    /// The newest owner record of every reader that it ever had.
    pub checkpoints: Vec<Checkpoint>,
}

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
    /// With `order: total`: the event that stopped it. The owner record stands right
    /// before it.
    pub stopped: Option<Stop>,
}

/// An event that a projection with `order: total` cannot go past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Where.
    pub position: Position,
    /// Its subject.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When an operator asked to try again after the last attempt.
    pub retry_asked: bool,
}

/// Whether a parked subject is tried by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkedState {
    /// The owner of its reader tries it when its time has come.
    Retrying,
    /// An operator must retry or skip.
    Held,
}

/// A subject whose events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedSubject {
    /// The projection.
    pub projection: String,
    /// The topic of its events.
    pub topic: String,
    /// The subject.
    pub subject: String,
    /// Whether it is tried by itself.
    pub state: ParkedState,
    /// How many of its events wait.
    pub events: i64,
    /// The first of them: the one that failed.
    pub first_position: Position,
    /// Why that failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried again by itself.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Since when it is parked.
    pub parked_at: DateTime<Utc>,
}

/// One event of a parked subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Who it is.
    pub identity: Identity,
    /// Its type.
    pub event_type: String,
}

/// What an operator decided about one event of a projection. Kept for good; rebuild
/// applies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The projection.
    pub projection: String,
    /// The event.
    pub identity: Identity,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// What came of draining a parked subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Events that took effect.
    pub applied: usize,
    /// Events that an operator had decided to skip.
    pub skipped: usize,
    /// Events that still wait, because the first of them failed again.
    pub left: usize,
}

/// A statement on the target did not succeed.
#[derive(Debug, Error)]
pub enum TargetError {
    /// It could not be reached, or cannot take writes now: try again later.
    #[error("the target database is not available while {doing}; it is tried again")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// It answered, and refused.
    #[error("the target database refused {doing}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
}

/// Why a projection cannot be opened on its target.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Its rows were made by another definition.
    #[error("the definition of projection {projection} has changed since its table was built")]
    DefinitionChanged {
        /// The projection.
        projection: String,
    },
    /// The table is there and is not what the definition says.
    #[error("table {table} does not fit projection {projection}: {difference}")]
    TableDiffers {
        /// The projection.
        projection: String,
        /// The table.
        table: String,
        /// What is different.
        difference: String,
    },
    /// The database did not do it.
    #[error("the projection could not be opened")]
    Target(#[source] TargetError),
}

/// Why a step did not take effect. Nothing of it did.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The owner record is not where this reader left it: another process owns it.
    #[error("another process has taken over this reader")]
    LostOwnership,
    /// The generation is not live any more, or its mode or definition is another: open
    /// the projection again.
    #[error("the generation was superseded")]
    Superseded,
    /// The database did not do it.
    #[error("the step could not be applied")]
    Target(#[source] TargetError),
}

/// The live generation of a projection, kept from moving while another is brought
/// level and put in its place. Dropped without a swap, it changes nothing.
#[derive(Debug)]
pub struct LiveLock {}

impl Target {
    /// Prepares sessions; the first is opened when it is needed. `url` is that of the
    /// target, `name` is shown in `pg_stat_activity`.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn connect(url: &str, name: &str, max_connections: u32) -> Result<Self, TargetError> {
        let _ = (url, name, max_connections);
        todo!()
    }

    /// Makes what is missing (bookkeeping, first generation, table), checks that
    /// definition and table are those of the live generation, and takes its mode.
    /// `start` counts only for a new projection: events at or below are not its
    /// concern.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        &self,
        definition: &Definition,
        mode: ReaderMode,
        start: Position,
    ) -> Result<Opened, OpenError> {
        let _ = (definition, mode, start);
        todo!()
    }

    /// The live generation and its checkpoints as they are; `None` when the projection
    /// was never opened here. Changes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self, projection: &str) -> Result<Option<Opened>, TargetError> {
        let _ = projection;
        todo!()
    }

    /// Says that the rows, though made by another definition, are to be taken as this
    /// definition's. The reason is kept.
    ///
    /// # Errors
    /// When the database does not take it, or the table does not fit.
    pub async fn accept_definition(
        &self,
        definition: &Definition,
        reason: &str,
    ) -> Result<(), OpenError> {
        let _ = (definition, reason);
        todo!()
    }

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
        let _ = (definition, generation, step);
        todo!()
    }

    /// The parked subjects of a reader that are to be tried now, with the positions of
    /// their events.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due(
        &self,
        generation: &Generation,
        reader: &Reader,
        limit: i64,
    ) -> Result<Vec<(ParkedSubject, Vec<Position>)>, TargetError> {
        let _ = (generation, reader, limit);
        todo!()
    }

    /// Tries the events of a parked subject in order, holding its row: those that take
    /// effect or were skipped leave the queue; at the first that fails the rest stays,
    /// held. `events` are those at the positions of [`Target::due`].
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
        let _ = (definition, generation, subject, events);
        todo!()
    }

    /// The parked subjects of a projection's live generation, by first position; the
    /// event that a total order stopped at stands among them as held, with one event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parked(&self, projection: &str) -> Result<Vec<ParkedSubject>, TargetError> {
        let _ = projection;
        todo!()
    }

    /// The events of one parked subject, by position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parked_events(
        &self,
        projection: &str,
        subject: &str,
    ) -> Result<Vec<ParkedEvent>, TargetError> {
        let _ = (projection, subject);
        todo!()
    }

    /// Asks the owner to try a subject again, now. Returns how many were asked for.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn retry(&self, projection: &str, subject: &str) -> Result<u64, TargetError> {
        let _ = (projection, subject);
        todo!()
    }

    /// Decides that the first waiting event of a subject, or all of those that wait now,
    /// never take effect, and asks the owner to go on. Returns what was decided.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn skip(
        &self,
        projection: &str,
        subject: &str,
        all: bool,
        reason: &str,
    ) -> Result<Vec<Decision>, TargetError> {
        let _ = (projection, subject, all, reason);
        todo!()
    }

    /// What was decided about events of a projection, by position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn decisions(&self, projection: &str) -> Result<Vec<Decision>, TargetError> {
        let _ = projection;
        todo!()
    }

    /// Where a total order stopped, if it did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stop(&self, generation: &Generation) -> Result<Option<Stop>, TargetError> {
        let _ = generation;
        todo!()
    }

    /// What stands in a generation's parking and decisions, for the account: events
    /// parked, events skipped that its readers have passed, subjects parked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counts(&self, generation: &Generation) -> Result<TargetCounts, TargetError> {
        let _ = generation;
        todo!()
    }

    /// Begins another generation beside the live one, with an empty table of its own,
    /// read from the ledger. What an interrupted rebuild left is removed. The live one
    /// may be of another definition.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn begin_rebuild(&self, definition: &Definition) -> Result<Generation, OpenError> {
        let _ = definition;
        todo!()
    }

    /// Keeps the live generation from moving: waits for the transactions under way, and
    /// those that come after wait.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_live(&self, projection: &str) -> Result<LiveLock, TargetError> {
        let _ = projection;
        todo!()
    }
}

/// See [`Target::counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Subjects parked.
    pub parked_subjects: i64,
    /// Events parked.
    pub parked_events: i64,
    /// Events skipped, among those at or below the checkpoints.
    pub skipped: i64,
}

impl LiveLock {
    /// The checkpoints of the live generation, which stand still.
    #[must_use]
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &[]
    }

    /// Puts a generation that was built in the place of the live one: its table gets
    /// the name, its mode and readers are those of the live one, each set to `level`
    /// (the position and identity up to which everything was built, at or above every
    /// checkpoint of the live one) with the offsets kept. One transaction.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub async fn swap(
        self,
        building: &Generation,
        level: &Checkpoint,
    ) -> Result<Generation, TargetError> {
        let _ = (building, level);
        todo!()
    }
}
