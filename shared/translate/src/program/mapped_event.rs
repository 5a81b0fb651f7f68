//! Events, read from what a mapping yields.

use chrono::{DateTime, Utc};
use vrl::value::Value;

use super::part::{Part, shortened};
use super::stand_in::Copies;
use crate::Kinds;

/// An event as a mapping yields it: not yet checked against the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedEvent {
    /// Unique within the adapter's source.
    pub id: String,
    /// Its type, which may not be in the catalogue.
    pub event_type: String,
    /// What it is about.
    pub subject: String,
    /// Absent: the mapping gave none, take the time of receipt.
    pub time: Option<DateTime<Utc>>,
    /// JSON text.
    pub data: String,
}

/// The members that an event of a mapping has.
pub(super) const MEMBERS: [&str; 5] = ["id", "type", "subject", "time", "data"];

/// Why something is no event.
pub(super) struct NoEvent {
    /// What it is instead, in words that go on after "it yields".
    pub(super) yielded: String,
    /// What to do.
    pub(super) help: &'static str,
}

fn no_event(yielded: impl Into<String>, help: &'static str) -> NoEvent {
    NoEvent {
        yielded: yielded.into(),
        help,
    }
}

const SHAPE: &str = "an event is { id, type, subject, data } and may have a time; null or [] \
                     means that there is none";
const TEXT: &str = "id, type and subject are text: turn a number into one with to_string!(…)";
const TIME: &str = "leave it out, or give a timestamp or a text as 2026-07-01T12:00:00Z";

/// The events that a result is: none for null, one for an object, several for an array.
pub(super) fn events(value: &Value, copies: &Copies<'_>) -> Result<Vec<MappedEvent>, NoEvent> {
    let result = Part::of(value, copies);
    if result.kinds() == Kinds::NULL {
        return Ok(Vec::new());
    }
    let Some(elements) = result.elements() else {
        return event(&result).map(|event| vec![event]);
    };
    let events = elements.into_iter().enumerate().map(|(number, element)| {
        event(&element).map_err(|no_event| NoEvent {
            yielded: format!("{} (event {})", no_event.yielded, number + 1),
            ..no_event
        })
    });
    events.collect()
}

fn time(part: &Part<'_>) -> Result<Option<DateTime<Utc>>, NoEvent> {
    match part {
        _ if part.kinds() == Kinds::NULL => Ok(None),
        Part::Made(Value::Timestamp(time), _) => Ok(Some(*time)),
        _ => part
            .text()
            .ok()
            .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
            .map(|time| Some(time.into()))
            .ok_or_else(|| no_event("something that is no time as `time`", TIME)),
    }
}

fn event(part: &Part<'_>) -> Result<MappedEvent, NoEvent> {
    let Some(members) = part.members() else {
        let message = format!("{} where an event should be", part.kinds());
        return Err(no_event(message, SHAPE));
    };
    if let Some((name, _)) = members
        .iter()
        .find(|(name, _)| !MEMBERS.contains(&name.as_ref()))
    {
        let message = format!("an event with a member `{}`", shortened(name));
        return Err(no_event(message, SHAPE));
    }
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted);
    let required = |name: &str| match member(name) {
        Some((_, part)) => Ok(part),
        None => Err(no_event(format!("an event without `{name}`"), SHAPE)),
    };
    let attribute = |name: &str| {
        required(name)?
            .text()
            .map_err(|found| no_event(format!("{found} as `{name}`"), TEXT))
    };
    Ok(MappedEvent {
        id: attribute("id")?,
        event_type: attribute("type")?,
        subject: attribute("subject")?,
        time: member("time").map_or(Ok(None), |(_, part)| time(part))?,
        data: required("data")?
            .json("data")
            .map_err(|yielded| no_event(yielded, SHAPE))?,
    })
}
