//! What is parked, for the owner who tries it again and for people.

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};

use super::checkpoints::coordinates;
use super::error::TargetError;
use super::generation::Generation;
use super::target::Target;
use crate::Reader;

/// The most events of one subject that are tried in one transaction.
const DRAIN_AT_ONCE: i64 = 1_000;

/// Whether a parked subject is tried by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkedState {
    /// The owner of its reader tries it when its time has come.
    Retrying,
    /// An operator must retry, edit or skip.
    Held,
}

impl ParkedState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Held => "held",
        }
    }
}

/// A subject whose events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedSubject {
    /// The projection.
    pub projection: String,
    /// The topic of its events.
    pub topic: String,
    /// The subject.
    pub subject: String,
    /// Whether it is tried by itself.
    pub state: ParkedState,
    /// How many of its events wait.
    pub events: i64,
    /// The first of them: the one that failed.
    pub first_position: Position,
    /// Why that failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried again by itself.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Since when it is parked.
    pub parked_at: DateTime<Utc>,
    /// Since when the first of its events fails.
    pub failing_since: DateTime<Utc>,
}

/// One event of a parked subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Who it is.
    pub identity: Identity,
    /// Its type.
    pub event_type: String,
}

impl FromRow<'_, PgRow> for ParkedSubject {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            projection: row.try_get("projection")?,
            topic: row.try_get("topic")?,
            subject: row.try_get("subject")?,
            state: match row.try_get("state")? {
                "retrying" => ParkedState::Retrying,
                _ => ParkedState::Held,
            },
            events: row.try_get("events")?,
            first_position: Position(row.try_get("first_position")?),
            reason: row.try_get("reason")?,
            attempts: row.try_get("attempts")?,
            next_attempt: row.try_get("next_attempt")?,
            parked_at: row.try_get("parked_at")?,
            failing_since: row.try_get("failing_since")?,
        })
    }
}

impl Target {
    /// The parked subjects of a reader that are to be tried now, with the positions of
    /// their events: of each the first 1,000 at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due(
        &self,
        generation: &Generation,
        reader: &Reader,
        limit: i64,
    ) -> Result<Vec<(ParkedSubject, Vec<Position>)>, TargetError> {
        const DOING: &str = "looking for parked subjects that are due";
        let (topic, partition, partitions) = coordinates(reader);
        let rows: Vec<PgRow> = sqlx::query(
            "select parked.*, waiting.*,
                    array(select position from dragoman_projection.parked_events event
                          where event.projection = parked.projection
                            and event.generation = parked.generation
                            and event.topic = parked.topic and event.subject = parked.subject
                          order by position limit $7) as positions
             from dragoman_projection.parked_subjects parked
             cross join lateral (
                 select count(*) as events, min(position) as first_position
                 from dragoman_projection.parked_events event
                 where event.projection = parked.projection
                   and event.generation = parked.generation
                   and event.topic = parked.topic and event.subject = parked.subject
             ) waiting
             where parked.projection = $1 and parked.generation = $2
               and parked.state = 'retrying' and parked.next_attempt <= clock_timestamp()
               and ($3::text is null or (parked.topic = $3 and parked.subject_hash % $5 = $4))
             order by parked.next_attempt, waiting.first_position limit $6",
        )
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(topic)
        .bind(partition)
        .bind(partitions)
        .bind(limit)
        .bind(DRAIN_AT_ONCE)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during(DOING))?;
        rows.iter()
            .map(|row| {
                let positions: Vec<i64> = row.try_get("positions")?;
                let positions = positions.into_iter().map(Position).collect();
                Ok((ParkedSubject::from_row(row)?, positions))
            })
            .collect::<sqlx::Result<_>>()
            .map_err(TargetError::during(DOING))
    }

    /// The parked subjects of a projection's live generation, by first position; the
    /// event that a total order stopped at stands among them with one event: held, or
    /// retrying once an operator has asked for it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parked(&self, projection: &str) -> Result<Vec<ParkedSubject>, TargetError> {
        if !self.has_bookkeeping().await? {
            return Ok(Vec::new());
        }
        sqlx::query_as(
            "select parked.projection, topic, subject, parked.state, waiting.*, reason, attempts,
                    next_attempt, parked_at, failing_since
             from dragoman_projection.parked_subjects parked
             join dragoman_projection.generations live
               on live.projection = parked.projection and live.number = parked.generation
             cross join lateral (
                 select count(*) as events, min(position) as first_position
                 from dragoman_projection.parked_events event
                 where event.projection = parked.projection
                   and event.generation = parked.generation
                   and event.topic = parked.topic and event.subject = parked.subject
             ) waiting
             where parked.projection = $1 and live.state = 'live'
             union all
             select stop.projection, topic, subject,
                    case when retry_asked then 'retrying' else 'held' end,
                    1, position, reason, attempts, null, stopped_at, stopped_at
             from dragoman_projection.stops stop
             join dragoman_projection.generations live
               on live.projection = stop.projection and live.number = stop.generation
             where stop.projection = $1 and live.state = 'live'
             order by first_position",
        )
        .bind(projection)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during("listing what is parked"))
    }

    /// The events of one parked subject, by position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parked_events(
        &self,
        projection: &str,
        subject: &str,
    ) -> Result<Vec<ParkedEvent>, TargetError> {
        if !self.has_bookkeeping().await? {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
            "select waiting.position, waiting.source, waiting.id, waiting.type
             from dragoman_projection.generations live
             cross join lateral (
                 select position, source, id, type from dragoman_projection.parked_events
                 where projection = live.projection and generation = live.number and subject = $2
                 union all
                 select position, source, id, type from dragoman_projection.stops
                 where projection = live.projection and generation = live.number and subject = $2
             ) waiting
             where live.projection = $1 and live.state = 'live'
             order by waiting.position",
        )
        .bind(projection)
        .bind(subject)
        .fetch_all(&self.pool)
        .await
        .map_err(TargetError::during(
            "reading the events of a parked subject",
        ))?;
        Ok(rows
            .into_iter()
            .map(|(position, source, id, event_type)| ParkedEvent {
                identity: Identity {
                    position: Position(position),
                    source,
                    id,
                },
                event_type,
            })
            .collect())
    }
}
