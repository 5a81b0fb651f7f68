//! What operators decided about single events: kept for good, for every generation.

use std::borrow::Borrow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};

use super::error::TargetError;
use super::target::Target;

/// What an operator decided about one event of a projection. Kept for good; rebuild and
/// replay apply it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The projection.
    pub projection: String,
    /// The event.
    pub identity: Identity,
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// What is to become of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It never takes effect.
    Skip,
    /// The projection sees other data in it.
    Edit {
        /// The data, JSON.
        data: String,
        /// How often it was edited, from 1: what goes out has another idempotency key
        /// each time.
        edits: i32,
    },
}

impl Verdict {
    /// A word for it, as the database and scripts have it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Edit { .. } => "edit",
        }
    }
}

pub(crate) struct DecisionRow(pub(crate) Decision);

impl FromRow<'_, PgRow> for DecisionRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let data: Option<String> = row.try_get("data")?;
        let verdict = match data {
            Some(data) => Verdict::Edit {
                data,
                edits: row.try_get("edits")?,
            },
            None => Verdict::Skip,
        };
        Ok(Self(Decision {
            projection: row.try_get("projection")?,
            identity: Identity {
                position: Position(row.try_get("position")?),
                source: row.try_get("source")?,
                id: row.try_get("id")?,
            },
            verdict,
            reason: row.try_get("reason")?,
            decided_at: row.try_get("decided_at")?,
        }))
    }
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
        let rows: Vec<DecisionRow> = sqlx::query_as(
            "select projection, position, source, id, data, edits, reason, decided_at
             from dragoman_projection.decisions where projection = $1 order by position",
        )
        .bind(projection)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during("reading the decisions"))?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

/// What was decided about events of a stretch of the log.
#[derive(Debug, Default)]
pub(crate) struct Decided(HashMap<Identity, Verdict>);

impl Decided {
    /// What was decided about an event. At its position alone it is not known: the
    /// decision is about this event, not about what another history has there.
    pub(crate) fn about(&self, event: &RecordedEvent) -> Option<&Verdict> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&event.identity())
    }

    /// Whether the same was decided about these events at another time.
    pub(crate) fn agrees(&self, other: &Self, events: &[RecordedEvent]) -> bool {
        events
            .iter()
            .all(|event| self.about(event) == other.about(event))
    }

    pub(crate) fn is_skipped(&self, event: &RecordedEvent) -> bool {
        matches!(self.about(event), Some(Verdict::Skip))
    }

    /// The event as the projection is to see it, when that is otherwise than it is.
    pub(crate) fn edited(&self, event: &RecordedEvent) -> Option<RecordedEvent> {
        match self.about(event)? {
            Verdict::Skip => None,
            Verdict::Edit { data, .. } => {
                let mut edited = event.clone();
                edited.event.data.clone_from(data);
                Some(edited)
            }
        }
    }
}

/// What was decided about the events given, which are in order.
pub(crate) async fn decided_among<E: Borrow<RecordedEvent>>(
    connection: &mut PgConnection,
    projection: &str,
    events: &[E],
) -> Result<Decided, TargetError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(Decided::default());
    };
    let rows: Vec<DecisionRow> = sqlx::query_as(
        "select projection, position, source, id, data, edits, reason, decided_at
         from dragoman_projection.decisions
         where projection = $1 and position between $2 and $3",
    )
    .bind(projection)
    .bind(first.borrow().position.0)
    .bind(last.borrow().position.0)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during("reading the decisions"))?;
    let decided = rows
        .into_iter()
        .map(|row| (row.0.identity, row.0.verdict))
        .collect();
    Ok(Decided(decided))
}
