//! What an operator asks for: try again, edit, or skip.

use dragoman_core::{Position, subject_hash};
use sqlx::PgConnection;

use super::decisions::{Decision, DecisionRow};
use super::error::TargetError;
use super::target::Target;

impl Target {
    /// Asks the owner to try a subject again, now. Returns how many were asked for: a
    /// subject may be parked in several topics.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn retry(&self, projection: &str, subject: &str) -> Result<u64, TargetError> {
        const DOING: &str = "asking for a retry";
        if !self.has_bookkeeping().await? {
            return Ok(0);
        }
        let mut transaction = self.begin(DOING).await?;
        let Some(generation) = share_live(&mut transaction, projection).await? else {
            return Ok(0);
        };
        let subjects = ask_subject(&mut transaction, projection, generation, subject).await?;
        let stops = ask_past_stop(&mut transaction, projection, generation, subject).await?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(subjects + stops)
    }

    /// Decides that the event that a subject failed at, or all of those that wait now,
    /// never take effect. Asked again before the rest was tried, it decides nothing: the
    /// next one has not failed. They leave the queue at once; the owner is asked to go on with
    /// the rest. Returns what was decided.
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
        const DOING: &str = "skipping";
        if !self.has_bookkeeping().await? {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin(DOING).await?;
        let Some(generation) = share_live(&mut transaction, projection).await? else {
            return Ok(Vec::new());
        };
        hold_everywhere(&mut transaction, projection, subject).await?;
        let limit = if all { i64::MAX } else { 1 };
        let rows: Vec<DecisionRow> = sqlx::query_as(
            "with waiting as (
                 select event.position, event.source, event.id, event.type
                 from dragoman_projection.parked_events as event
                 join dragoman_projection.parked_subjects as parked
                   using (projection, generation, topic, subject)
                 where projection = $1 and generation = $2 and subject = $3
                   -- What has not been tried since the one before it was skipped has not
                   -- failed: asked twice, the next one must not be lost.
                   and ($4 > 1 or parked.attempts > 0)
                 union all
                 select position, source, id, type from dragoman_projection.stops
                 where projection = $1 and generation = $2 and subject = $3
                 order by position limit $4
             ), decided as (
                 insert into dragoman_projection.decisions
                     (projection, position, source, id, type, subject_hash, reason)
                 select $1, position, source, id, type, $5, $6 from waiting
                 on conflict (projection, position) do update
                    set source = excluded.source, id = excluded.id, type = excluded.type,
                        subject_hash = excluded.subject_hash, reason = excluded.reason,
                        decided_at = excluded.decided_at, decision = 'skip', data = null
                 returning projection, position, source, id, data, edits, reason, decided_at
             )
             select * from decided order by position",
        )
        .bind(projection)
        .bind(generation)
        .bind(subject)
        .bind(limit)
        .bind(subject_hash(subject))
        .bind(reason)
        .fetch_all(&mut *transaction)
        .await
        .map_err(TargetError::during(DOING))?;
        let decisions = rows.into_iter().map(|row| row.0).collect();
        release_decided(&mut transaction, projection, Some(subject)).await?;
        ask_past_decided_stop(&mut transaction, projection).await?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(decisions)
    }

    /// Decides that the projection sees other data in an event of a parked subject: that
    /// at `position`, or the first that waits. The owner is asked to try the subject
    /// again. `None` when no such event waits any more.
    ///
    /// `data` is JSON; whether it is what the type's schema says is the caller's concern.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn edit(
        &self,
        projection: &str,
        subject: &str,
        position: Option<Position>,
        data: &str,
        reason: &str,
    ) -> Result<Option<Decision>, TargetError> {
        const DOING: &str = "editing";
        if !self.has_bookkeeping().await? {
            return Ok(None);
        }
        let mut transaction = self.begin(DOING).await?;
        let Some(generation) = share_live(&mut transaction, projection).await? else {
            return Ok(None);
        };
        hold_everywhere(&mut transaction, projection, subject).await?;
        let row: Option<DecisionRow> = sqlx::query_as(
            "with waiting as (
                 select position, source, id, type from dragoman_projection.parked_events
                 where projection = $1 and generation = $2 and subject = $3
                   and ($4::bigint is null or position = $4)
                 union all
                 select position, source, id, type from dragoman_projection.stops
                 where projection = $1 and generation = $2 and subject = $3
                   and ($4::bigint is null or position = $4)
                 order by position limit 1
             )
             insert into dragoman_projection.decisions as known
                 (projection, position, source, id, type, subject_hash, reason, decision, data, edits)
             select $1, position, source, id, type, $5, $6, 'edit', $7, 1 from waiting
             on conflict (projection, position) do update
                set source = excluded.source, id = excluded.id, type = excluded.type,
                    subject_hash = excluded.subject_hash, reason = excluded.reason,
                    decided_at = excluded.decided_at, decision = 'edit', data = excluded.data,
                    edits = known.edits + 1
             returning projection, position, source, id, data, edits, reason, decided_at",
        )
        .bind(projection)
        .bind(generation)
        .bind(subject)
        .bind(position.map(|position| position.0))
        .bind(subject_hash(subject))
        .bind(reason)
        .bind(data)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(TargetError::during(DOING))?;
        if row.is_some() {
            ask_subject(&mut transaction, projection, generation, subject).await?;
            ask_past_decided_stop(&mut transaction, projection).await?;
        }
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(row.map(|row| row.0))
    }
}

/// The number of the live generation, whose row is shared until the end of the
/// transaction.
async fn share_live(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Option<i32>, TargetError> {
    sqlx::query_scalar(
        "select number from dragoman_projection.generations
         where projection = $1 and state = 'live' for share",
    )
    .bind(projection)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("sharing the live generation"))
}

/// Holds the rows of a subject in every generation, in the order in which the owners of
/// readers hold them.
async fn hold_everywhere(
    connection: &mut PgConnection,
    projection: &str,
    subject: &str,
) -> Result<(), TargetError> {
    sqlx::query(
        "select from dragoman_projection.parked_subjects
         where projection = $1 and subject = $2
         order by generation, topic, subject for update",
    )
    .bind(projection)
    .bind(subject)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("holding a parked subject"))
}

/// Takes events that are decided out of the queues of one subject or of all, in every
/// generation. What waited behind one is tried again; an empty queue ends. The rows of
/// the subjects must be held.
pub(crate) async fn release_decided(
    connection: &mut PgConnection,
    projection: &str,
    subject: Option<&str>,
) -> Result<(), TargetError> {
    const DOING: &str = "taking skipped events out of the queue";
    let released: Vec<(i32, String, String)> = sqlx::query_as(
        "with released as (
             delete from dragoman_projection.parked_events event
             using dragoman_projection.decisions decided
             where event.projection = $1 and decided.projection = $1
               and ($2::text is null or event.subject = $2)
               and decided.decision = 'skip' and decided.position = event.position
               and decided.source = event.source and decided.id = event.id
             returning event.generation, event.topic, event.subject
         )
         select distinct generation, topic, subject from released",
    )
    .bind(projection)
    .bind(subject)
    .fetch_all(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    for (generation, topic, subject) in released {
        sqlx::query(
            "with ended as (
                 delete from dragoman_projection.parked_subjects
                 where projection = $1 and generation = $2 and topic = $3 and subject = $4
                   and not exists (
                       select from dragoman_projection.parked_events
                       where projection = $1 and generation = $2 and topic = $3 and subject = $4)
                 returning 1
             )
             update dragoman_projection.parked_subjects
             set state = 'retrying', next_attempt = clock_timestamp(), attempts = 0,
                 failing_since = clock_timestamp()
             where projection = $1 and generation = $2 and topic = $3 and subject = $4
               and not exists (select from ended)",
        )
        .bind(projection)
        .bind(generation)
        .bind(topic)
        .bind(subject)
        .execute(&mut *connection)
        .await
        .map_err(TargetError::during(DOING))?;
    }
    Ok(())
}

/// Asks the owner to try a subject again, now; in how many topics it is parked.
async fn ask_subject(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    subject: &str,
) -> Result<u64, TargetError> {
    sqlx::query(
        "with mine as (
             select topic from dragoman_projection.parked_subjects
             where projection = $1 and generation = $2 and subject = $3
             order by topic for update
         )
         update dragoman_projection.parked_subjects parked
         set state = 'retrying', next_attempt = clock_timestamp()
         from mine
         where parked.projection = $1 and parked.generation = $2
           and parked.topic = mine.topic and parked.subject = $3",
    )
    .bind(projection)
    .bind(generation)
    .bind(subject)
    .execute(connection)
    .await
    .map(|done| done.rows_affected())
    .map_err(TargetError::during("asking for a retry"))
}

/// Asks the owner to try the event that stopped it again.
async fn ask_past_stop(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    subject: &str,
) -> Result<u64, TargetError> {
    sqlx::query(
        "update dragoman_projection.stops set retry_asked = true
         where projection = $1 and generation = $2 and subject = $3",
    )
    .bind(projection)
    .bind(generation)
    .bind(subject)
    .execute(connection)
    .await
    .map(|done| done.rows_affected())
    .map_err(TargetError::during("asking for a retry"))
}

/// Asks the owner to go on where the event that stopped it is decided.
async fn ask_past_decided_stop(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<(), TargetError> {
    sqlx::query(
        "update dragoman_projection.stops stop set retry_asked = true
         from dragoman_projection.decisions decided
         where stop.projection = $1 and decided.projection = $1
           and decided.position = stop.position
           and decided.source = stop.source and decided.id = stop.id",
    )
    .bind(projection)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("skipping"))
}
