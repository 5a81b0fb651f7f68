//! Structured and batched content mode: events whole in the body, in the JSON format.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use chrono::{DateTime, Utc};
use dragoman_translate::{Json, JsonKind};

use super::attributes::Attributes;
use super::media_type::MediaType;
use super::{Incoming, invalid, unsupported};
use crate::limits::BATCH_EVENTS;
use crate::problem::{Pointed, Problem, ProblemKind};

/// Reads one event. Its data is the slice of the body under `data`, as it came.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read<'d>(
    event: Json<'d>,
    place: String,
    now: DateTime<Utc>,
    traceparent: Option<String>,
) -> Result<Incoming<'d>, Problem> {
    match read_at(event, &place, now, traceparent) {
        Ok(incoming) => Ok(incoming),
        // In a batch it must be said which one it was.
        Err(problem) if place.is_empty() => Err(problem),
        Err(problem) => Err(problem.at([Pointed::new(place, "this event")])),
    }
}

/// Reads a list of events.
///
/// # Errors
/// It is none, has too many, or what is wrong with the first that is wrong.
pub(crate) fn read_batch<'d>(
    batch: Json<'d>,
    now: DateTime<Utc>,
    traceparent: Option<&str>,
) -> Result<Vec<Incoming<'d>>, Problem> {
    if batch.kind() != JsonKind::Array {
        return Err(invalid("a batch is an array of events"));
    }
    let mut events = Vec::new();
    for (number, event) in batch.elements().enumerate() {
        if number == BATCH_EVENTS {
            return Err(Problem::new(
                ProblemKind::TooLarge,
                format!("a batch has {BATCH_EVENTS} events at the most"),
            ));
        }
        let place = format!("/{number}");
        events.push(read(event, place, now, traceparent.map(str::to_owned))?);
    }
    Ok(events)
}

fn read_at<'d>(
    event: Json<'d>,
    place: &str,
    now: DateTime<Utc>,
    traceparent: Option<String>,
) -> Result<Incoming<'d>, Problem> {
    if event.kind() != JsonKind::Object {
        return Err(invalid("an event is an object"));
    }
    let mut attributes = Attributes::default();
    let mut data = None;
    let mut content_type = None;
    for (name, value) in event.members() {
        match name.as_ref() {
            "data" => data = Some(value),
            "data_base64" => {
                return Err(unsupported(
                    "`data_base64` holds data that is not JSON; send JSON as `data`, or a reference to the content"
                        .to_owned(),
                ));
            }
            "datacontenttype" => {
                content_type = text(&name, value)?
                    .map(|text| MediaType::of_data(&text))
                    .transpose()?;
            }
            name => {
                if let Some(text) = text(name, value)? {
                    attributes.take(name, text)?;
                }
            }
        }
    }
    let data =
        data.ok_or_else(|| invalid("`data` is missing; for an event without content send {}"))?;
    let event = attributes.event(content_type, data.raw().to_owned(), now, traceparent)?;
    Ok(Incoming {
        event,
        data,
        data_place: format!("{place}/data"),
        place: place.to_owned(),
    })
}

/// The canonical text of an attribute; null is an attribute that is not there.
fn text(name: &str, value: Json<'_>) -> Result<Option<String>, Problem> {
    const OF_TEXT: [&str; 7] = [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
    ];
    match value.kind() {
        JsonKind::Null => Ok(None),
        JsonKind::String => Ok(value.as_text().map(std::borrow::Cow::into_owned)),
        JsonKind::Boolean | JsonKind::Number if !OF_TEXT.contains(&name) => {
            Ok(Some(value.raw().to_owned()))
        }
        JsonKind::Boolean | JsonKind::Number | JsonKind::Array | JsonKind::Object => {
            let name: String = name.chars().take(40).collect();
            Err(invalid(format!("`{name}` must be text")))
        }
    }
}
