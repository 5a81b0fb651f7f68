//! Looking for events in the sealed log, for people.

use chrono::{DateTime, Utc};
use dragoman_core::{Position, RecordedEvent, TypePattern};

use crate::event_row::SealedRow;
use crate::{Store, StoreError};

/// How many positions one statement looks through: what bounds its time whatever
/// the filter lets through.
const WINDOW: i64 = 10_000;

/// An end of a stretch of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventBound {
    /// A place in the log.
    Position(Position),
    /// A time of events, as their senders said it.
    Time(DateTime<Utc>),
}

/// Which events are wanted. Empty: all.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of these types; none: of any.
    pub types: Vec<TypePattern>,
    /// Of this subject.
    pub subject: Option<String>,
    /// Of this source.
    pub source: Option<String>,
    /// From here on, included.
    pub from: Option<EventBound>,
    /// Up to here, included.
    pub to: Option<EventBound>,
}

/// What was found, and how far was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// By position.
    pub events: Vec<RecordedEvent>,
    /// Everything up to here was looked at: where to go on.
    pub through: Position,
    /// Whether the end of the log, or of the stretch that was asked for, was reached.
    pub ended: bool,
}

impl Store {
    /// The events after a position that the filter lets through, `limit` at the most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        after: Position,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        let head = self.head().await?;
        let end = match filter.to {
            Some(EventBound::Position(position)) => position.min(head),
            Some(EventBound::Time(_)) | None => head,
        };
        let mut through = match filter.from {
            Some(EventBound::Position(position)) => after.max(Position(position.0 - 1)),
            Some(EventBound::Time(_)) | None => after,
        };
        let mut events = Vec::new();
        while events.len() < limit && through < end {
            let until = Position(through.0.saturating_add(WINDOW)).min(end);
            let wanted = limit - events.len();
            let found = self.search_window(filter, through, until, wanted).await?;
            through = match found.last() {
                // More may stand behind the last one in this window.
                Some(last) if found.len() == wanted => last.position,
                _ => until,
            };
            events.extend(found);
        }
        Ok(EventPage {
            events,
            through,
            ended: through >= end,
        })
    }

    /// The sealed events with this id, of every source or of one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_events(
        &self,
        source: Option<&str>,
        id: &str,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows: Vec<SealedRow> = sqlx::query_as(
            "select position, seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data
             from (select events.seq as found
                   from dragoman.event_keys
                   join dragoman.events using (xid, source, id)
                   where id = $1 and ($2::text is null or source = $2)) as keys
             cross join lateral (
                 select * from dragoman.sealed_events
                 where batch in (select batch from dragoman.ledger
                                 where low_seq < found and high_seq >= found
                                 union all
                                 select batch from dragoman.late_events where seq = found)
                   and seq = found
             ) as sealed
             order by position",
        )
        .bind(id)
        .bind(source)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("looking for an event by its id"))?;
        Ok(rows.into_iter().map(SealedRow::recorded).collect())
    }

    async fn search_window(
        &self,
        filter: &EventFilter,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let types: Vec<String> = filter.types.iter().map(like).collect();
        let rows: Vec<SealedRow> = sqlx::query_as(
            "select position, seq, id, source, type, subject, time, stored_at,
                    content_type, traceparent, extensions, data
             from dragoman.sealed_events
             where batch >= (select batch from dragoman.ledger
                             where first_position <= $1 + 1 and event_count > 0
                             order by first_position desc limit 1)
               and batch <= (select batch from dragoman.ledger
                             where first_position <= $2 and event_count > 0
                             order by first_position desc limit 1)
               and position > $1 and position <= $2
               and (cardinality($4::text[]) = 0 or type like any ($4))
               and ($5::text is null or subject = $5)
               and ($6::text is null or source = $6)
               and ($7::timestamptz is null or time >= $7)
               and ($8::timestamptz is null or time <= $8)
             order by position limit $3",
        )
        .bind(after.0)
        .bind(until.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(types)
        .bind(&filter.subject)
        .bind(&filter.source)
        .bind(time_of(filter.from))
        .bind(time_of(filter.to))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("searching the sealed log"))?;
        Ok(rows.into_iter().map(SealedRow::recorded).collect())
    }
}

const fn time_of(bound: Option<EventBound>) -> Option<DateTime<Utc>> {
    match bound {
        Some(EventBound::Time(time)) => Some(time),
        Some(EventBound::Position(_)) | None => None,
    }
}

/// A type pattern as SQL's `like` has it.
fn like(pattern: &TypePattern) -> String {
    let text = pattern.as_str();
    let (stem, any) = match text.strip_suffix('*') {
        Some(stem) => (stem, "%"),
        None => (text, ""),
    };
    let escaped = stem
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("{escaped}{any}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::like;

    #[test]
    fn a_pattern_matches_itself_and_nothing_that_sql_makes_of_it() {
        assert_eq!(like(&"order.*".parse().unwrap()), "order.%");
        assert_eq!(like(&"a_b".parse().unwrap()), "a\\_b");
        assert_eq!(like(&"*".parse().unwrap()), "%");
    }
}
