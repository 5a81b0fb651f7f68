//! Events for unit tests.

use std::collections::BTreeMap;

use chrono::DateTime;
use dragoman_core::{Event, JSON, Position, RecordedEvent};

/// The event at a position, of type `order.placed`.
pub(crate) fn recorded(position: i64) -> RecordedEvent {
    RecordedEvent {
        position: Position(position),
        seq: position,
        stored_at: DateTime::UNIX_EPOCH,
        event: Event {
            id: format!("id-{position}"),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            subject: format!("order-{position}"),
            time: DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: "{}".into(),
            traceparent: None,
            extensions: BTreeMap::new(),
        },
    }
}
