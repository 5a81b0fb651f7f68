//! What an operator wants to see and to say: pauses, halts, gaps, violations.

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position};

use crate::{Store, StoreError};

/// A projection that somebody paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The projection.
    pub projection: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub paused_at: DateTime<Utc>,
}

/// A part of the hub that stopped by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Which: `relay`, `ingest`, `projection NAME`.
    pub component: String,
    /// A stable word for why.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Since when.
    pub halted_at: DateTime<Utc>,
}

/// Records that Kafka should have had and had not; they were filled from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose reader found it.
    pub projection: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The last position before the gap.
    pub after: Position,
    /// The first position behind it; the mark's, when the partition just ended.
    pub before: Position,
    /// How many events were filled in.
    pub events: i64,
    /// Whether the partition just ended, instead of going on behind the gap.
    pub at_end: bool,
    /// When it was found.
    pub found_at: DateTime<Utc>,
}

/// An event that came by SQL and breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaViolation {
    /// Who it is.
    pub identity: Identity,
    /// Its type.
    pub event_type: String,
    /// What is wrong, with JSON pointers.
    pub message: String,
}

impl Store {
    /// Pauses a projection; its runner sees it within about a second.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn pause(&self, projection: &str, reason: &str) -> Result<(), StoreError> {
        sqlx::query(
            "insert into dragoman.paused_projections (projection, reason) values ($1, $2)
             on conflict (projection) do update set reason = excluded.reason",
        )
        .bind(projection)
        .bind(reason)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("pausing a projection"))
    }

    /// Lets a projection go on. False when it was not paused.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn resume(&self, projection: &str) -> Result<bool, StoreError> {
        sqlx::query("delete from dragoman.paused_projections where projection = $1")
            .bind(projection)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(StoreError::during("resuming a projection"))
    }

    /// The projections that are paused, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn paused(&self) -> Result<Vec<Pause>, StoreError> {
        let rows: Vec<(String, String, DateTime<Utc>)> = sqlx::query_as(
            "select projection, reason, paused_at from dragoman.paused_projections order by 1",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading what is paused"))?;
        Ok(rows
            .into_iter()
            .map(|(projection, reason, paused_at)| Pause {
                projection,
                reason,
                paused_at,
            })
            .collect())
    }

    /// Whether one projection is paused.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_paused(&self, projection: &str) -> Result<bool, StoreError> {
        sqlx::query_scalar(
            "select exists (select from dragoman.paused_projections where projection = $1)",
        )
        .bind(projection)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("reading whether a projection is paused"))
    }

    /// Leaves word that a part of the hub stopped by itself, for `status`.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn report_halt(
        &self,
        component: &str,
        code: &str,
        message: &str,
        remedy: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into dragoman.halts (component, code, message, remedy) values ($1, $2, $3, $4)
             on conflict (component) do update
                set code = excluded.code, message = excluded.message,
                    remedy = excluded.remedy, halted_at = now()",
        )
        .bind(component)
        .bind(code)
        .bind(message)
        .bind(remedy)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("reporting a halt"))
    }

    /// Takes that word back: the part has started well.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn clear_halt(&self, component: &str) -> Result<(), StoreError> {
        sqlx::query("delete from dragoman.halts where component = $1")
            .bind(component)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::during("clearing a halt"))
    }

    /// What has halted, by component.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        let rows: Vec<(String, String, String, String, DateTime<Utc>)> = sqlx::query_as(
            "select component, code, message, remedy, halted_at from dragoman.halts order by 1",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading what has halted"))?;
        Ok(rows
            .into_iter()
            .map(|(component, code, message, remedy, halted_at)| Halt {
                component,
                code,
                message,
                remedy,
                halted_at,
            })
            .collect())
    }

    /// Reports a gap that was filled. `found_at` is set here.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn report_gap(&self, gap: &Gap) -> Result<(), StoreError> {
        sqlx::query(
            "insert into dragoman.gaps
                 (projection, topic, partition, after_position, before_position, events, at_end)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&gap.projection)
        .bind(&gap.topic)
        .bind(gap.partition)
        .bind(gap.after.0)
        .bind(gap.before.0)
        .bind(gap.events)
        .bind(gap.at_end)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("reporting a gap"))
    }

    /// The gaps that were found, newest first, `limit` at the most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn gaps(&self, limit: i64) -> Result<Vec<Gap>, StoreError> {
        type Row = (String, String, i32, i64, i64, i64, bool, DateTime<Utc>);
        let rows: Vec<Row> = sqlx::query_as(
            "select projection, topic, partition, after_position, before_position, events, at_end, found_at
             from dragoman.gaps order by found_at desc limit $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading the gaps"))?;
        Ok(rows
            .into_iter()
            .map(
                |(projection, topic, partition, after, before, events, at_end, found_at)| Gap {
                    projection,
                    topic,
                    partition,
                    after: Position(after),
                    before: Position(before),
                    events,
                    at_end,
                    found_at,
                },
            )
            .collect())
    }

    /// Reports events that break their schema. Reporting one again is fine.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn report_schema_violations(
        &self,
        violations: &[SchemaViolation],
    ) -> Result<(), StoreError> {
        let texts = |pick: fn(&SchemaViolation) -> &String| {
            violations
                .iter()
                .map(|violation| pick(violation).clone())
                .collect::<Vec<_>>()
        };
        let positions: Vec<i64> = violations
            .iter()
            .map(|violation| violation.identity.position.0)
            .collect();
        sqlx::query(
            "insert into dragoman.schema_violations (position, type, source, id, message)
             select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
             on conflict do nothing",
        )
        .bind(&positions)
        .bind(texts(|violation| &violation.event_type))
        .bind(texts(|violation| &violation.identity.source))
        .bind(texts(|violation| &violation.identity.id))
        .bind(texts(|violation| &violation.message))
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("reporting schema violations"))
    }

    /// How many sealed events break their schema, and the newest of them, `limit` at the most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema_violations(
        &self,
        limit: i64,
    ) -> Result<(i64, Vec<SchemaViolation>), StoreError> {
        let total = sqlx::query_scalar("select count(*) from dragoman.schema_violations")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("counting schema violations"))?;
        let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(
            "select position, type, source, id, message from dragoman.schema_violations
             order by position desc limit $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading schema violations"))?;
        let newest = rows
            .into_iter()
            .map(
                |(position, event_type, source, id, message)| SchemaViolation {
                    identity: Identity {
                        position: Position(position),
                        source,
                        id,
                    },
                    event_type,
                    message,
                },
            )
            .collect();
        Ok((total, newest))
    }
}
