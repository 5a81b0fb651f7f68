//! What became of events in the live generation, for whoever wants them sent again.

use std::collections::HashSet;
use std::sync::Arc;

use dragoman_core::{Position, RecordedEvent};

use super::checkpoints;
use super::decisions::{Decided, Verdict, decided_among};
use super::error::TargetError;
use super::generation::{Generation, live};
use super::target::Target;
use crate::Checkpoint;

/// What became of events in the live generation.
#[derive(Debug)]
pub(crate) struct Passed {
    generation: Generation,
    checkpoints: Vec<Checkpoint>,
    parked: HashSet<Position>,
    decided: Decided,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It took effect.
    TookEffect {
        /// As the projection sees it: with the data that an operator gave it.
        as_seen: Arc<RecordedEvent>,
        /// How often it was edited.
        edits: i32,
    },
    /// It was never the projection's concern (`from:`).
    BeforeStart,
    /// The projection has not come so far.
    NotPassed,
    /// It is parked.
    Parked,
    /// An operator decided that it never takes effect.
    Skipped,
}

impl Passed {
    pub(crate) fn fate(&self, event: RecordedEvent) -> Fate {
        if event.position <= self.generation.start {
            return Fate::BeforeStart;
        }
        if self.decided.is_skipped(&event) {
            return Fate::Skipped;
        }
        if self.parked.contains(&event.position) {
            return Fate::Parked;
        }
        if !self.checkpoints.iter().any(|one| one.is_done(&event)) {
            return Fate::NotPassed;
        }
        let edits = match self.decided.about(&event) {
            Some(Verdict::Edit { edits, .. }) => *edits,
            Some(Verdict::Skip) | None => 0,
        };
        Fate::TookEffect {
            as_seen: Arc::new(self.decided.edited(&event).unwrap_or(event)),
            edits,
        }
    }
}

impl Target {
    /// What became of these events, which are in order. `None`: the projection was never
    /// opened here.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn passed_among(
        &self,
        projection: &str,
        events: &[RecordedEvent],
    ) -> Result<Option<Passed>, TargetError> {
        const DOING: &str = "looking at what became of events";
        let mut transaction = self.begin_reading(DOING).await?;
        let Some(row) = live(&mut transaction, projection).await? else {
            return Ok(None);
        };
        let generation = row.generation;
        let checkpoints = checkpoints::newest(&mut transaction, &generation).await?;
        let decided = decided_among(&mut transaction, projection, events).await?;
        let edge = |event: Option<&RecordedEvent>| event.map(|event| event.position.0);
        let parked: Vec<i64> = sqlx::query_scalar(
            "select position from dragoman_projection.parked_events
             where projection = $1 and generation = $2 and position between $3 and $4",
        )
        .bind(projection)
        .bind(generation.number)
        .bind(edge(events.first()))
        .bind(edge(events.last()))
        .fetch_all(&mut *transaction)
        .await
        .map_err(TargetError::during(DOING))?;
        Ok(Some(Passed {
            generation,
            checkpoints,
            parked: parked.into_iter().map(Position).collect(),
            decided,
        }))
    }
}
