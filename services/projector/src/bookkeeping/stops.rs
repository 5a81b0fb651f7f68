//! The event that a total order cannot go past.

use dragoman_core::Position;
use sqlx::PgConnection;

use super::error::TargetError;
use super::followed::Followed;
use super::generation::Generation;
use super::target::Target;

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

impl Target {
    /// Where a total order stopped, if it did. An operator who skips the event asks to
    /// try again, too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stop(&self, generation: &Generation) -> Result<Option<Stop>, TargetError> {
        let row: Option<(i64, String, String, i32, bool)> = sqlx::query_as(
            "select position, subject, reason, attempts, retry_asked
             from dragoman_projection.stops where projection = $1 and generation = $2",
        )
        .bind(&generation.projection)
        .bind(generation.number)
        .fetch_optional(&self.pool)
        .await
        .map_err(TargetError::during("looking where it stopped"))?;
        Ok(
            row.map(|(position, subject, reason, attempts, retry_asked)| Stop {
                position: Position(position),
                subject,
                reason,
                attempts,
                retry_asked,
            }),
        )
    }
}

/// Writes down that an event stopped a generation, once more or for the first time.
pub(crate) async fn record(
    connection: &mut PgConnection,
    generation: &Generation,
    event: Followed<'_>,
    reason: String,
) -> Result<Stop, TargetError> {
    let recorded = &event.event.event;
    let attempts = sqlx::query_scalar(
        "insert into dragoman_projection.stops as stop
             (projection, generation, position, topic, subject, source, id, type, reason, attempts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
         on conflict (projection, generation) do update
            set position = excluded.position, topic = excluded.topic, subject = excluded.subject,
                source = excluded.source, id = excluded.id, type = excluded.type,
                reason = excluded.reason, retry_asked = false,
                attempts = case when stop.position = excluded.position then stop.attempts else 0 end + 1,
                stopped_at = case when stop.position = excluded.position then stop.stopped_at
                                  else excluded.stopped_at end
         returning attempts",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(event.event.position.0)
    .bind(event.topic)
    .bind(&recorded.subject)
    .bind(&recorded.source)
    .bind(&recorded.id)
    .bind(&recorded.event_type)
    .bind(&reason)
    .fetch_one(connection)
    .await
    .map_err(TargetError::during("writing down where it stopped"))?;
    Ok(Stop {
        position: event.event.position,
        subject: recorded.subject.clone(),
        reason,
        attempts,
        retry_asked: false,
    })
}

/// Forgets the stop of a generation that went past it; whether there was one.
pub(crate) async fn clear(
    connection: &mut PgConnection,
    generation: &Generation,
    reached: Position,
) -> Result<bool, TargetError> {
    sqlx::query(
        "delete from dragoman_projection.stops
         where projection = $1 and generation = $2 and position <= $3",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(reached.0)
    .execute(connection)
    .await
    .map(|done| done.rows_affected() > 0)
    .map_err(TargetError::during("going on where it stopped"))
}
