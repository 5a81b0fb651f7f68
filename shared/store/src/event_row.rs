//! An event as its columns.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dragoman_core::{Event, Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row as _};

/// The columns of an event, in the order in which queries name them.
#[derive(Debug)]
pub(crate) struct EventRow {
    seq: i64,
    id: String,
    source: String,
    event_type: String,
    subject: String,
    time: DateTime<Utc>,
    stored_at: DateTime<Utc>,
    content_type: String,
    traceparent: Option<String>,
    extensions: Option<Json<BTreeMap<String, String>>>,
    data: String,
}

/// The same behind its position.
#[derive(Debug)]
pub(crate) struct SealedRow {
    pub(crate) position: i64,
    pub(crate) event: EventRow,
}

impl FromRow<'_, PgRow> for SealedRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            position: row.try_get(0)?,
            event: EventRow::from_column(row, 1)?,
        })
    }
}

impl EventRow {
    /// Reads the columns `seq, id, source, type, subject, time, stored_at,
    /// content_type, traceparent, extensions, data`, from that one on. By their places:
    /// looking a column up by its name costs as much as reading it.
    pub(crate) fn from_column(row: &PgRow, first: usize) -> sqlx::Result<Self> {
        Ok(Self {
            seq: row.try_get(first)?,
            id: row.try_get(first + 1)?,
            source: row.try_get(first + 2)?,
            event_type: row.try_get(first + 3)?,
            subject: row.try_get(first + 4)?,
            time: row.try_get(first + 5)?,
            stored_at: row.try_get(first + 6)?,
            content_type: row.try_get(first + 7)?,
            traceparent: row.try_get(first + 8)?,
            extensions: row.try_get(first + 9)?,
            data: row.try_get(first + 10)?,
        })
    }

    pub(crate) const fn seq(&self) -> i64 {
        self.seq
    }

    pub(crate) fn at(self, position: Position) -> RecordedEvent {
        RecordedEvent {
            position,
            seq: self.seq,
            stored_at: self.stored_at,
            event: Event {
                id: self.id,
                source: self.source,
                event_type: self.event_type,
                subject: self.subject,
                time: self.time,
                content_type: self.content_type,
                data: self.data,
                traceparent: self.traceparent,
                extensions: self.extensions.map(|json| json.0).unwrap_or_default(),
            },
        }
    }
}

impl SealedRow {
    pub(crate) fn recorded(self) -> RecordedEvent {
        self.event.at(Position(self.position))
    }
}
