//! The queue of one parked subject, while it is being tried.

use dragoman_core::{Identity, Position};
use sqlx::PgConnection;

use super::error::TargetError;
use super::generation::Generation;
use super::parked::ParkedSubject;
use super::parking::Failure;

const DOING: &str = "trying a parked subject again";

/// The queue of one parked subject.
pub(crate) struct Queue<'q> {
    pub(crate) generation: &'q Generation,
    pub(crate) subject: &'q ParkedSubject,
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

macro_rules! is_due {
    ($holding:literal) => {
        concat!(
            "select coalesce(state = 'retrying' and next_attempt <= clock_timestamp(), false)
                    and attempts = $5
             from dragoman_projection.parked_subjects
             where projection = $1 and generation = $2 and topic = $3 and subject = $4 ",
            $holding
        )
    };
}

impl Queue<'_> {
    /// Whether the subject is to be tried now, and was not tried since it was found due; an
    /// operator who skips an event of it begins the count of tries anew.
    pub(crate) async fn is_due(&self, connection: &mut PgConnection) -> Result<bool, TargetError> {
        self.ask(connection, is_due!("")).await
    }

    /// The same, and its row is held until the end of the transaction.
    pub(crate) async fn hold(&self, connection: &mut PgConnection) -> Result<bool, TargetError> {
        self.ask(connection, is_due!("for update")).await
    }

    async fn ask(
        &self,
        connection: &mut PgConnection,
        asking: &'static str,
    ) -> Result<bool, TargetError> {
        let due: Option<bool> = bound!(self, sqlx::query_scalar(asking))
            .bind(self.subject.attempts)
            .fetch_optional(connection)
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(due == Some(true))
    }

    /// The first events that wait.
    pub(crate) async fn first(
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
    pub(crate) async fn length(&self, connection: &mut PgConnection) -> Result<usize, TargetError> {
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

    /// Takes events out of the queue; how many of them were still in it.
    pub(crate) async fn leave(
        &self,
        connection: &mut PgConnection,
        done: impl Iterator<Item = Position>,
    ) -> Result<usize, TargetError> {
        let positions: Vec<i64> = done.map(|position| position.0).collect();
        if positions.is_empty() {
            return Ok(0);
        }
        sqlx::query(
            "delete from dragoman_projection.parked_events
             where projection = $1 and generation = $2 and position = any ($3)",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.number)
        .bind(positions)
        .execute(connection)
        .await
        .map(|done| usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
        .map_err(TargetError::during(DOING))
    }

    /// Leaves the rest of the queue for later, or to an operator. `another`: the event
    /// that fails now is not the one that failed before.
    pub(crate) async fn keep(
        &self,
        connection: &mut PgConnection,
        failure: &Failure,
        another: bool,
    ) -> Result<(), TargetError> {
        bound!(
            self,
            sqlx::query(
                "update dragoman_projection.parked_subjects
                 set state = $5, reason = $6,
                     next_attempt = clock_timestamp() + $7 * interval '1 second',
                     attempts = case when $8 then 1 else attempts + 1 end,
                     failing_since = case when $8 then clock_timestamp() else failing_since end
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4",
            )
        )
        .bind(failure.state().as_str())
        .bind(&failure.reason)
        .bind(failure.again_in_seconds())
        .bind(another)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
    }

    /// Counts events that took effect from the queue. The row takes up older ones that no
    /// other transaction is taking up, so that there are few.
    pub(crate) async fn count(
        &self,
        connection: &mut PgConnection,
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
        .bind(&self.generation.projection)
        .bind(self.generation.number)
        .bind(i64::try_from(applied).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
    }

    /// Lets the subject go: nothing of it waits any more.
    pub(crate) async fn end(&self, connection: &mut PgConnection) -> Result<(), TargetError> {
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
