//! Whole batches of the log as they stand in the tables, and their positions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dragoman_core::{Event, Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor, Row as _};

use crate::StoreError;

/// A sealed event, and where its batch begins. Its position is not known before its
/// batch is there as a whole.
#[derive(Debug)]
struct Member {
    first_position: i64,
    event: RecordedEvent,
}

/// By number, not by name: looking names up costs as much as reading the values.
impl FromRow<'_, PgRow> for Member {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let extensions: Option<Json<BTreeMap<String, String>>> = row.try_get(10)?;
        Ok(Self {
            first_position: row.try_get(0)?,
            event: RecordedEvent {
                position: Position::ZERO,
                seq: row.try_get(1)?,
                stored_at: row.try_get::<DateTime<Utc>, _>(7)?,
                event: Event {
                    id: row.try_get(2)?,
                    source: row.try_get(3)?,
                    event_type: row.try_get(4)?,
                    subject: row.try_get(5)?,
                    time: row.try_get::<DateTime<Utc>, _>(6)?,
                    content_type: row.try_get(8)?,
                    traceparent: row.try_get(9)?,
                    extensions: extensions.map(|json| json.0).unwrap_or_default(),
                    data: row.try_get(11)?,
                },
            },
        })
    }
}

/// The sealed events behind a position, to the end of the batch that holds the position
/// `about` further on, in order. Of types that are not wanted the data is left out, so
/// that it need not travel; the events are there, because they count.
pub(crate) async fn read_whole(
    executor: impl PgExecutor<'_>,
    after: Position,
    about: usize,
    types: Option<&[String]>,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let about = i64::try_from(about).unwrap_or(i64::MAX).max(1);
    // Not sorted there: rows that come late are few, and all others come in order.
    let members: Vec<Member> = sqlx::query_as(
        "select first_position, seq, id, source, type, subject, time, stored_at,
                content_type, traceparent, extensions,
                case when $3::text[] is null or type = any ($3) then data else '' end
         from dragoman.sealed_members
         where batch >= (select batch from dragoman.ledger
                         where first_position <= $1 + 1 and event_count > 0
                           and first_position + event_count > $1 + 1
                         order by first_position desc limit 1)
           and batch <= (select batch from dragoman.ledger
                         where first_position <= $2 and event_count > 0
                         order by first_position desc limit 1)",
    )
    .bind(after.0)
    .bind(after.0.saturating_add(about))
    .bind(types)
    .fetch_all(executor)
    .await
    .map_err(StoreError::during("reading the sealed log"))?;
    Ok(ranked(members, after))
}

/// Gives each its position, which is its rank within its batch, and drops those that
/// are not behind `after`.
fn ranked(mut members: Vec<Member>, after: Position) -> Vec<RecordedEvent> {
    members.sort_unstable_by_key(|member| (member.first_position, member.event.seq));
    let (mut first, mut rank) = (0, 0);
    let with_positions = members.into_iter().map(|member| {
        if member.first_position != first {
            (first, rank) = (member.first_position, 0);
        }
        let position = Position(first + rank);
        rank += 1;
        RecordedEvent {
            position,
            ..member.event
        }
    });
    with_positions
        .filter(|event| event.position > after)
        .collect()
}
