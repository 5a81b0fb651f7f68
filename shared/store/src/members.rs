//! Whole batches of the log as they stand in the tables, and their positions.

use dragoman_core::{Position, RecordedEvent};
use sqlx::PgExecutor;

use crate::StoreError;
use crate::event_row::SealedRow;

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
    let members: Vec<SealedRow> = sqlx::query_as(
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
/// are not behind `after`. They come with the first position of their batch.
fn ranked(mut members: Vec<SealedRow>, after: Position) -> Vec<RecordedEvent> {
    members.sort_unstable_by_key(|member| (member.position, member.event.seq()));
    let (mut first, mut rank) = (0, 0);
    let with_positions = members.into_iter().map(|member| {
        if member.position != first {
            (first, rank) = (member.position, 0);
        }
        let position = Position(first + rank);
        rank += 1;
        member.event.at(position)
    });
    with_positions
        .filter(|event| event.position > after)
        .collect()
}
