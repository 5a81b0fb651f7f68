//! Replays: what an operator had sent or executed again, how far that has come, and what
//! of it was refused.

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::error::TargetError;
use super::target::Target;
use crate::ReplaySelection;

/// Some events of a projection that take effect again, on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its number, of which the idempotency keys of its calls are made.
    pub id: i64,
    /// The generation that was live when it began.
    pub generation: i32,
    /// Hash of the definition that its requests or statements are made by.
    pub definition_hash: [u8; 32],
    /// What was asked for.
    pub selection: ReplaySelection,
    /// No event above is sent or executed.
    pub through: Position,
    /// Everything selected at or below is resent or refused.
    pub position: Position,
    /// How many events were taken, by the receiver or by the database.
    pub resent: i64,
    /// How many were refused.
    pub refused: i64,
    /// Why it was asked for.
    pub reason: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// An event of a replay that the receiver, or the database, refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRefusal {
    /// The event.
    pub identity: Identity,
    /// Its subject.
    pub subject: String,
    /// What was said.
    pub reason: String,
}

impl FromRow<'_, PgRow> for Replay {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let hash: Vec<u8> = row.try_get("definition_hash")?;
        let selection: String = row.try_get("selection")?;
        Ok(Self {
            id: row.try_get("id")?,
            generation: row.try_get("generation")?,
            definition_hash: hash.try_into().map_err(|_| {
                sqlx::Error::Decode("a definition hash that has not 32 bytes".into())
            })?,
            selection: serde_json::from_str(&selection)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            through: Position(row.try_get("through")?),
            position: Position(row.try_get("position")?),
            resent: row.try_get("resent")?,
            refused: row.try_get("refused")?,
            reason: row.try_get("reason")?,
            started_at: row.try_get("started_at")?,
        })
    }
}

impl Target {
    /// The replay of a projection that was begun and not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unfinished_replay(&self, projection: &str) -> Result<Option<Replay>, TargetError> {
        let mut transaction = self.begin_reading("looking for a replay").await?;
        unfinished(&mut transaction, projection).await
    }

    /// The replay of a projection that was begun last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_replay(&self, projection: &str) -> Result<Option<Replay>, TargetError> {
        sqlx::query_as(
            "select replays.*, (select count(*) from dragoman_projection.replay_refusals
                                where replay = replays.id) as refused
             from dragoman_projection.replays
             where projection = $1 order by id desc limit 1",
        )
        .bind(projection)
        .fetch_optional(&self.pool)
        .await
        .map_err(TargetError::during("looking for the last replay"))
    }

    /// What was refused of a replay, by position, `limit` at the most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replay_refusals(
        &self,
        replay: i64,
        limit: i64,
    ) -> Result<Vec<ReplayRefusal>, TargetError> {
        let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(
            "select position, source, id, subject, reason
             from dragoman_projection.replay_refusals
             where replay = $1 order by position limit $2",
        )
        .bind(replay)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during("reading what was refused"))?;
        let refusals = rows
            .into_iter()
            .map(|(position, source, id, subject, reason)| {
                let identity = Identity {
                    position: Position(position),
                    source,
                    id,
                };
                ReplayRefusal {
                    identity,
                    subject,
                    reason,
                }
            });
        Ok(refusals.collect())
    }
}

/// The replay of a projection that was begun and not ended.
pub(crate) async fn unfinished(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Option<Replay>, TargetError> {
    sqlx::query_as(
        "select replays.*, (select count(*) from dragoman_projection.replay_refusals
                            where replay = replays.id) as refused
         from dragoman_projection.replays where projection = $1 and state = 'running'",
    )
    .bind(projection)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("looking for a replay"))
}
