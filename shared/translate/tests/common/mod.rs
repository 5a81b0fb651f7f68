//! What the tests of programs after the log share.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use dragoman_core::{Event, JSON};
use dragoman_translate::Schema;

/// The time of every event.
pub(crate) fn time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap()
}

/// An event about `order-1`.
pub(crate) fn event(event_type: &str, data: &str) -> Event {
    Event {
        id: "1".into(),
        source: "/shop".into(),
        event_type: event_type.into(),
        subject: "order-1".into(),
        time: time(),
        content_type: JSON.into(),
        data: data.into(),
        traceparent: None,
        extensions: BTreeMap::new(),
    }
}

/// A schema that promises a `total`, a number, and a `count`, an integer.
pub(crate) fn schema() -> Schema {
    let schema = r#"{ "type": "object", "required": ["total", "count"], "properties": {
        "total": { "type": "number" }, "count": { "type": "integer" } } }"#;
    Schema::compile("order.placed", schema).unwrap()
}
