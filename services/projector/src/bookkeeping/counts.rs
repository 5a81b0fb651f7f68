//! What stands in parking, decisions and owner records, for the account.

use dragoman_core::Position;
use sqlx::PgConnection;

use super::checkpoints;
use super::error::TargetError;
use super::generation::{Generation, live};
use super::open::Opened;
use super::target::Target;
use crate::Checkpoint;

const DOING: &str = "counting for the account";

/// See [`Target::counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Subjects parked.
    pub parked_subjects: i64,
    /// Events parked.
    pub parked_events: i64,
    /// Events skipped, among those at or below the checkpoints.
    pub skipped: i64,
    /// Events that took effect out of the queue of a parked subject: to be added to
    /// what the checkpoints count as applied.
    pub drained: i64,
}

impl Target {
    /// What stands in a generation's parking and decisions, for the account: events
    /// parked, events skipped that its readers have passed, subjects parked, events
    /// drained. An event is never counted as two of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counts(&self, generation: &Generation) -> Result<TargetCounts, TargetError> {
        let mut transaction = self.begin_reading(DOING).await?;
        let checkpoints = checkpoints::newest(&mut transaction, generation).await?;
        counts(&mut transaction, generation, &checkpoints).await
    }

    /// [`Target::look`] and [`Target::counts`] of one moment, so that they agree while
    /// the projection goes on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_and_count(
        &self,
        projection: &str,
    ) -> Result<Option<(Opened, TargetCounts)>, TargetError> {
        if !self.has_bookkeeping().await? {
            return Ok(None);
        }
        let mut transaction = self.begin_reading(DOING).await?;
        let Some(row) = live(&mut transaction, projection).await? else {
            return Ok(None);
        };
        let generation = row.generation;
        let checkpoints = checkpoints::newest(&mut transaction, &generation).await?;
        let counts = counts(&mut transaction, &generation, &checkpoints).await?;
        let opened = Opened {
            generation,
            checkpoints,
        };
        Ok(Some((opened, counts)))
    }
}

async fn counts(
    connection: &mut PgConnection,
    generation: &Generation,
    checkpoints: &[Checkpoint],
) -> Result<TargetCounts, TargetError> {
    let (parked_subjects, parked_events, drained): (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from dragoman_projection.parked_subjects
                 where projection = $1 and generation = $2),
                (select count(*) from dragoman_projection.parked_events
                 where projection = $1 and generation = $2),
                (select coalesce(sum(applied), 0)::bigint from dragoman_projection.drained
                 where projection = $1 and generation = $2)",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .fetch_one(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let decided: Vec<(i64, String, i32)> = sqlx::query_as(
        "select position, type, subject_hash from dragoman_projection.decisions decided
         where projection = $1 and decision = 'skip' and position > $3
           and not exists (select from dragoman_projection.parked_events waiting
                           where waiting.projection = $1 and waiting.generation = $2
                             and waiting.position = decided.position)",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(generation.start.0)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let passed = |(position, event_type, hash): &&(i64, String, i32)| {
        checkpoints.iter().any(|checkpoint| {
            Position(*position) <= checkpoint.position
                && checkpoint.types.contains(event_type)
                && checkpoint.reader.covers(*hash)
        })
    };
    Ok(TargetCounts {
        parked_subjects,
        parked_events,
        drained,
        skipped: i64::try_from(decided.iter().filter(passed).count()).unwrap_or(i64::MAX),
    })
}
