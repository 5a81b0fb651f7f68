//! The queue of one parked subject, while it is being tried.

use dragoman_core::{Identity, Position};
use sqlx::PgConnection;

use super::error::TargetError;
use super::evaluate::Evaluated;
use super::generation::Generation;
use super::parked::ParkedSubject;

const DOING: &str = "trying a parked subject again";

/// The queue of one parked subject.
pub(super) struct Queue<'q> {
    pub(super) generation: &'q Generation,
    pub(super) subject: &'q ParkedSubject,
}

macro_rules! bound {
    ($queue:ident, $query:expr) => {
        $query
            .bind(&$queue.generation.projection)
            .bind($queue.generation.number)
            .bind(&$queue.subject.topic)
            .bind(&$queue.subject.subject)
    };
}

impl Queue<'_> {
    /// Holds the subject's row until the end of the transaction; whether it is to be
    /// tried now.
    pub(super) async fn hold(&self, connection: &mut PgConnection) -> Result<bool, TargetError> {
        let due: Option<bool> = bound!(
            self,
            sqlx::query_scalar(
                "select coalesce(state = 'retrying' and next_attempt <= clock_timestamp(), false)
                 from dragoman_projection.parked_subjects
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4
                 for update",
            )
        )
        .fetch_optional(connection)
        .await
        .map_err(TargetError::during(DOING))?;
        Ok(due == Some(true))
    }

    /// The first events that wait.
    pub(super) async fn first(
        &self,
        connection: &mut PgConnection,
        limit: usize,
    ) -> Result<Vec<Identity>, TargetError> {
        let rows: Vec<(i64, String, String)> = bound!(
            self,
            sqlx::query_as(
                "select position, source, id from dragoman_projection.parked_events
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4
                 order by position limit $5",
            )
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(TargetError::during(DOING))?;
        Ok(rows
            .into_iter()
            .map(|(position, source, id)| Identity {
                position: Position(position),
                source,
                id,
            })
            .collect())
    }

    /// How many events wait.
    pub(super) async fn length(&self, connection: &mut PgConnection) -> Result<usize, TargetError> {
        let length: i64 = bound!(
            self,
            sqlx::query_scalar(
                "select count(*) from dragoman_projection.parked_events
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4",
            )
        )
        .fetch_one(connection)
        .await
        .map_err(TargetError::during(DOING))?;
        Ok(usize::try_from(length).unwrap_or(0))
    }

    /// Takes events out of the queue.
    pub(super) async fn leave<'e>(
        &self,
        connection: &mut PgConnection,
        done: impl Iterator<Item = &'e Evaluated<'e>>,
    ) -> Result<(), TargetError> {
        let positions: Vec<i64> = done.map(|event| event.event.position.0).collect();
        sqlx::query(
            "delete from dragoman_projection.parked_events
             where projection = $1 and generation = $2 and position = any ($3)",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.number)
        .bind(positions)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
    }

    /// Leaves the rest of the queue to an operator.
    pub(super) async fn keep_held(
        &self,
        connection: &mut PgConnection,
        reason: &str,
    ) -> Result<(), TargetError> {
        bound!(
            self,
            sqlx::query(
                "update dragoman_projection.parked_subjects
                 set state = 'held', next_attempt = null, attempts = attempts + 1, reason = $5
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4",
            )
        )
        .bind(reason)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
    }

    /// Lets the subject go: nothing of it waits any more.
    pub(super) async fn end(&self, connection: &mut PgConnection) -> Result<(), TargetError> {
        bound!(
            self,
            sqlx::query(
                "delete from dragoman_projection.parked_subjects
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4",
            )
        )
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
    }
}
