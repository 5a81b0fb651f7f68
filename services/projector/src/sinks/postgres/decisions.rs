//! What operators decided about single events: kept for good, for every generation.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::PgConnection;

use super::error::TargetError;
use super::session::Target;

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

impl Target {
    /// What was decided about events of a projection, by position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn decisions(&self, projection: &str) -> Result<Vec<Decision>, TargetError> {
        if !self.has_bookkeeping().await? {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String, String, String, DateTime<Utc>)> = sqlx::query_as(
            "select position, source, id, reason, decided_at from dragoman_projection.decisions
             where projection = $1 order by position",
        )
        .bind(projection)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during("reading the decisions"))?;
        Ok(rows
            .into_iter()
            .map(|(position, source, id, reason, decided_at)| Decision {
                projection: projection.to_owned(),
                identity: Identity {
                    position: Position(position),
                    source,
                    id,
                },
                reason,
                decided_at,
            })
            .collect())
    }
}

/// The events of a stretch of the log that are to be skipped.
#[derive(Debug, Default)]
pub(super) struct Skips(HashSet<Identity>);

impl Skips {
    /// Whether an event is to be skipped. At its position alone it is not known: the
    /// decision is about this event, not about what another history has there.
    pub(super) fn contains(&self, event: &RecordedEvent) -> bool {
        !self.0.is_empty() && self.0.contains(&event.identity())
    }
}

/// The events that are to be skipped among those given, which are in order.
pub(super) async fn skips_among(
    connection: &mut PgConnection,
    projection: &str,
    events: &[RecordedEvent],
) -> Result<Skips, TargetError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(Skips::default());
    };
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "select position, source, id from dragoman_projection.decisions
         where projection = $1 and position between $2 and $3",
    )
    .bind(projection)
    .bind(first.position.0)
    .bind(last.position.0)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during("reading the decisions"))?;
    let identities = rows.into_iter().map(|(position, source, id)| Identity {
        position: Position(position),
        source,
        id,
    });
    Ok(Skips(identities.collect()))
}
