//! Events, read from what a mapping yields.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use vrl::value::{Kind, Value};

use super::copies::{Copies, copy_of};
use super::input::kinds_of;
use super::known_kinds::kinds_in;
use super::write::{text, write};
use crate::{Document, Json, JsonKind, Kinds};

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
        return result.event().map(|event| vec![event]);
    };
    let events = elements.into_iter().enumerate().map(|(number, element)| {
        element.event().map_err(|no_event| NoEvent {
            yielded: format!("{} (event {})", no_event.yielded, number + 1),
            ..no_event
        })
    });
    events.collect()
}

/// A part of a result: made by the mapping, or passed on as it came.
enum Part<'v> {
    Made(&'v Value, &'v Copies<'v>),
    Copied(Json<'v>),
}

impl<'v> Part<'v> {
    fn of(value: &'v Value, copies: &'v Copies<'v>) -> Self {
        match copy_of(value).and_then(|copy| copies.get(copy).copied().flatten()) {
            Some(json) => Self::Copied(json),
            None => Self::Made(value, copies),
        }
    }

    fn kinds(&self) -> Kinds {
        match self {
            Self::Made(value, _) => kinds_in(&Kind::from(*value)),
            Self::Copied(json) => kinds_of(*json),
        }
    }

    fn elements(&self) -> Option<Vec<Self>> {
        match self {
            Self::Made(Value::Array(elements), copies) => Some(
                elements
                    .iter()
                    .map(|element| Self::of(element, copies))
                    .collect(),
            ),
            Self::Copied(json) if json.kind() == JsonKind::Array => {
                Some(json.elements().map(Self::Copied).collect())
            }
            _ => None,
        }
    }

    fn members(&self) -> Option<Vec<(Cow<'v, str>, Self)>> {
        match self {
            Self::Made(Value::Object(members), copies) => Some(
                members
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_str()), Self::of(value, copies)))
                    .collect(),
            ),
            Self::Copied(json) if json.kind() == JsonKind::Object => Some(
                json.members()
                    .map(|(name, member)| (name, Self::Copied(member)))
                    .collect(),
            ),
            _ => None,
        }
    }

    fn text(&self) -> Result<String, String> {
        let found = match self {
            Self::Made(value, _) if self.kinds() == Kinds::STRING => return text(value),
            Self::Copied(json) => json.as_text(),
            Self::Made(..) => None,
        };
        found
            .map(Cow::into_owned)
            .ok_or_else(|| self.kinds().to_string())
    }

    fn time(&self) -> Result<Option<DateTime<Utc>>, NoEvent> {
        match self {
            _ if self.kinds() == Kinds::NULL => Ok(None),
            Self::Made(Value::Timestamp(time), _) => Ok(Some(*time)),
            _ => self
                .text()
                .ok()
                .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(|time| Some(time.into()))
                .ok_or_else(|| no_event("something that is no time as `time`", TIME)),
        }
    }

    fn json(&self) -> Result<String, NoEvent> {
        match self {
            Self::Copied(json) => Ok(json.raw().to_owned()),
            Self::Made(value, copies) => {
                let mut data = String::new();
                write(value, copies, 1, &mut data)
                    .map_err(|yielded| no_event(format!("{yielded} in `data`"), SHAPE))?;
                // What was passed on is deeper inside now than it was.
                Document::parse(data.as_bytes()).map_err(|error| {
                    no_event(format!("`data` that cannot be read ({error})"), SHAPE)
                })?;
                Ok(data)
            }
        }
    }

    fn event(&self) -> Result<MappedEvent, NoEvent> {
        let Some(members) = self.members() else {
            let message = format!("{} where an event should be", self.kinds());
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
            time: member("time").map_or(Ok(None), |(_, part)| part.time())?,
            data: required("data")?.json()?,
        })
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() > 40 {
        name.chars().take(40).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}
