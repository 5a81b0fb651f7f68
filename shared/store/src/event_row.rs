//! An event as its columns.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dragoman_core::{Event, Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row as _};

/// The columns of an event, as queries name them.
#[derive(Debug)]
pub(crate) struct EventRow {
    seq: i64,
    id: String,
    source: String,
    event_type: String,
    subject: String,
    time: DateTime<Utc>,
    stored_at: DateTime<Utc>,
    pub(crate) adapter: String,
    content_type: String,
    traceparent: Option<String>,
    extensions: Option<Json<BTreeMap<String, String>>>,
    data: String,
}

/// The same with its position.
#[derive(Debug)]
pub(crate) struct SealedRow {
    pub(crate) position: i64,
    pub(crate) event: EventRow,
}

impl FromRow<'_, PgRow> for EventRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            seq: row.try_get("seq")?,
            id: row.try_get("id")?,
            source: row.try_get("source")?,
            event_type: row.try_get("type")?,
            subject: row.try_get("subject")?,
            time: row.try_get("time")?,
            stored_at: row.try_get("stored_at")?,
            adapter: row.try_get("adapter")?,
            content_type: row.try_get("content_type")?,
            traceparent: row.try_get("traceparent")?,
            extensions: row.try_get("extensions")?,
            data: row.try_get("data")?,
        })
    }
}

impl FromRow<'_, PgRow> for SealedRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            position: row.try_get("position")?,
            event: EventRow::from_row(row)?,
        })
    }
}

impl EventRow {
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
