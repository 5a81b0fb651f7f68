//! CloudEvents 1.0 by HTTP: binary, structured and batched content mode.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>

mod attributes;
mod binary;
mod media_type;
mod structured;

use dragoman_core::Event;
use dragoman_translate::Json;
use http::{HeaderMap, header};

pub(crate) use self::binary::read as read_binary;
use self::media_type::MediaType;
pub(crate) use self::structured::{read as read_structured, read_batch};
use crate::problem::{Problem, ProblemKind};

/// An event as it was read, its data beside it, and where it stands in the body.
#[derive(Debug)]
pub(crate) struct Incoming<'d> {
    pub(crate) event: Event,
    pub(crate) data: Json<'d>,
    /// JSON pointer of the event in the body; empty when the body is the event.
    pub(crate) place: String,
    /// JSON pointer of its data in the body.
    pub(crate) data_place: String,
}

/// How a request carries its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Attributes in headers, data in the body.
    Binary,
    /// One event, whole, in the body.
    Structured,
    /// A list of events in the body.
    Batch,
}

impl Mode {
    /// How this request does it.
    ///
    /// # Errors
    /// It carries none, or in another form.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let media_type = content_type.as_deref().map(MediaType::parse);
        if let Some(media_type) = &media_type {
            let mode = match media_type.essence() {
                "application/cloudevents+json" => Some(Self::Structured),
                "application/cloudevents-batch+json" => Some(Self::Batch),
                other if other.starts_with("application/cloudevents") => {
                    return Err(unsupported(format!(
                        "{other} cannot be read; application/cloudevents+json can"
                    )));
                }
                _ => None,
            };
            if let Some(mode) = mode {
                media_type.require_utf8()?;
                return Ok(mode);
            }
        }
        if headers.contains_key("ce-specversion") || headers.contains_key("ce-id") {
            return Ok(Self::Binary);
        }
        match media_type {
            Some(media_type) if media_type.is_json() => Err(Problem::new(
                ProblemKind::InvalidEvent,
                "this is JSON without `ce-` headers; send the attributes as headers, or a whole event as application/cloudevents+json",
            )),
            Some(media_type) => Err(unsupported(format!(
                "events do not come as {}",
                media_type.essence()
            ))),
            None => Err(unsupported("the request has no Content-Type".to_owned())),
        }
    }
}

fn unsupported(detail: String) -> Problem {
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidEvent, detail)
}
