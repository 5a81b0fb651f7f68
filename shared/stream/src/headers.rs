//! CloudEvents 1.0 in the binary content mode of its Kafka protocol binding.
//!
//! Beside the attributes of the binding a record carries `ce_sequence`, the
//! position of its event as 20 digits, and `ce_previous`, the position of the
//! record before it in the same partition (absent on the first): with both, a
//! reader can prove that it missed nothing. The trace context travels as the
//! `traceparent` header of W3C Trace Context.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use dragoman_core::{Event, JSON, Position};
use rdkafka::message::{BorrowedHeaders, Header, Headers, OwnedHeaders};
use thiserror::Error;

const PREFIX: &str = "ce_";
const SPECVERSION: &str = "ce_specversion";
const ID: &str = "ce_id";
const SOURCE: &str = "ce_source";
const TYPE: &str = "ce_type";
const SUBJECT: &str = "ce_subject";
const TIME: &str = "ce_time";
const SEQUENCE: &str = "ce_sequence";
const PREVIOUS: &str = "ce_previous";
const CONTENT_TYPE: &str = "content-type";
const TRACEPARENT: &str = "traceparent";

/// A record that is not one of the hub's: somebody else wrote into the topic.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// A header that every record of the hub has is missing.
    #[error("header `{name}` is missing")]
    Missing {
        /// The header.
        name: &'static str,
    },
    /// A header does not hold what it should.
    #[error("header `{name}` holds {value:?}, which it cannot")]
    Invalid {
        /// The header.
        name: String,
        /// What it holds, as text.
        value: String,
    },
    /// The payload is not UTF-8.
    #[error("the payload is not UTF-8 text")]
    Payload,
}

/// A record read back: where it stands, what came before it, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) position: Position,
    pub(crate) previous: Option<Position>,
    pub(crate) event: Event,
}

/// The headers of a record. An extension whose name one of the hub's own headers
/// has (`sequence`, `previous`) is left out.
pub(crate) fn encode(
    event: &Event,
    position: Position,
    previous: Option<Position>,
) -> OwnedHeaders {
    let headers = OwnedHeaders::new_with_capacity(10 + event.extensions.len());
    let headers = with(headers, SPECVERSION, "1.0");
    let headers = with(headers, ID, &event.id);
    let headers = with(headers, SOURCE, &event.source);
    let headers = with(headers, TYPE, &event.event_type);
    let headers = with(headers, SUBJECT, &event.subject);
    let time = event.time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let headers = with(headers, TIME, &time);
    let headers = with(headers, CONTENT_TYPE, &event.content_type);
    let mut headers = with(headers, SEQUENCE, &position.zero_padded());
    if let Some(previous) = previous {
        headers = with(headers, PREVIOUS, &previous.zero_padded());
    }
    if let Some(traceparent) = &event.traceparent {
        headers = with(headers, TRACEPARENT, traceparent);
    }
    for (name, value) in &event.extensions {
        let name = format!("{PREFIX}{name}");
        if !is_own(&name) {
            headers = with(headers, &name, value);
        }
    }
    headers
}

/// Reads the headers and the payload of a record.
///
/// # Errors
/// When the record cannot have been written by a relay.
pub(crate) fn decode(
    headers: Option<&BorrowedHeaders>,
    payload: Option<&[u8]>,
) -> Result<Decoded, HeaderError> {
    let mut fields = Fields::default();
    for header in headers.iter().flat_map(|headers| headers.iter()) {
        fields.take(header.key, header.value)?;
    }
    let position = required_position(fields.sequence, SEQUENCE)?;
    let previous = fields
        .previous
        .map(|text| required_position(Some(text), PREVIOUS))
        .transpose()?;
    let time = required(fields.time, TIME)?;
    let data =
        std::str::from_utf8(payload.unwrap_or_default()).map_err(|_| HeaderError::Payload)?;
    Ok(Decoded {
        position,
        previous,
        event: Event {
            id: required(fields.id, ID)?.to_owned(),
            source: required(fields.source, SOURCE)?.to_owned(),
            event_type: required(fields.event_type, TYPE)?.to_owned(),
            subject: required(fields.subject, SUBJECT)?.to_owned(),
            time: parse_time(time)?,
            content_type: fields.content_type.unwrap_or(JSON).to_owned(),
            data: data.to_owned(),
            traceparent: fields.traceparent.map(str::to_owned),
            extensions: fields.extensions,
        },
    })
}

#[derive(Default)]
struct Fields<'a> {
    id: Option<&'a str>,
    source: Option<&'a str>,
    event_type: Option<&'a str>,
    subject: Option<&'a str>,
    time: Option<&'a str>,
    content_type: Option<&'a str>,
    sequence: Option<&'a str>,
    previous: Option<&'a str>,
    traceparent: Option<&'a str>,
    extensions: BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    /// Somebody else's headers are passed over, whatever they hold.
    fn take(&mut self, key: &str, value: Option<&'a [u8]>) -> Result<(), HeaderError> {
        let field = match key {
            ID => &mut self.id,
            SOURCE => &mut self.source,
            TYPE => &mut self.event_type,
            SUBJECT => &mut self.subject,
            TIME => &mut self.time,
            CONTENT_TYPE => &mut self.content_type,
            SEQUENCE => &mut self.sequence,
            PREVIOUS => &mut self.previous,
            TRACEPARENT => &mut self.traceparent,
            _ => {
                if let Some(name) = key.strip_prefix(PREFIX) {
                    let text = as_text(key, value)?;
                    if key != SPECVERSION {
                        self.extensions.insert(name.to_owned(), text.to_owned());
                    }
                }
                return Ok(());
            }
        };
        *field = Some(as_text(key, value)?);
        Ok(())
    }
}

fn as_text<'a>(key: &str, value: Option<&'a [u8]>) -> Result<&'a str, HeaderError> {
    let bytes = value.unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|_| HeaderError::Invalid {
        name: key.to_owned(),
        value: String::from_utf8_lossy(bytes).into_owned(),
    })
}

fn with(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header {
        key,
        value: Some(value),
    })
}

fn is_own(name: &str) -> bool {
    [
        SPECVERSION,
        ID,
        SOURCE,
        TYPE,
        SUBJECT,
        TIME,
        SEQUENCE,
        PREVIOUS,
        CONTENT_TYPE,
        TRACEPARENT,
    ]
    .contains(&name)
}

fn required<'a>(value: Option<&'a str>, name: &'static str) -> Result<&'a str, HeaderError> {
    value.ok_or(HeaderError::Missing { name })
}

fn required_position(value: Option<&str>, name: &'static str) -> Result<Position, HeaderError> {
    let text = required(value, name)?;
    Position::from_zero_padded(text).ok_or_else(|| HeaderError::Invalid {
        name: name.to_owned(),
        value: text.to_owned(),
    })
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, HeaderError> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| HeaderError::Invalid {
            name: TIME.to_owned(),
            value: text.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{HeaderError, SEQUENCE, decode, encode, with};
    use chrono::DateTime;
    use dragoman_core::{Event, JSON, Position};
    use proptest::prelude::*;
    use rdkafka::message::{Headers, OwnedHeaders};
    use std::collections::BTreeMap;

    fn event() -> Event {
        Event {
            id: "1".into(),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            subject: "order-1".into(),
            time: DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: "{\"price\": 1.10}".into(),
            traceparent: None,
            extensions: BTreeMap::new(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            words in proptest::array::uniform5("\\PC{1,40}"),
            seconds in 0_i64..4_000_000_000,
            nanoseconds in 0_u32..1_000_000_000,
            position in 1_i64..i64::MAX,
            previous in proptest::option::of(1_i64..i64::MAX),
            traceparent in proptest::option::of("[0-9a-f]{55}"),
            extensions in proptest::collection::btree_map("x[a-z0-9]{1,10}", "\\PC{0,20}", 0..4),
        ) {
            let [id, source, event_type, subject, data] = words;
            let event = Event {
                id, source, event_type, subject, data, traceparent, extensions,
                time: DateTime::from_timestamp(seconds, nanoseconds).unwrap(),
                content_type: JSON.into(),
            };
            let headers = encode(&event, Position(position), previous.map(Position));
            let read = decode(Some(headers.as_borrowed()), Some(event.data.as_bytes())).unwrap();
            prop_assert_eq!(read.position, Position(position));
            prop_assert_eq!(read.previous, previous.map(Position));
            prop_assert_eq!(read.event, event);
        }
    }

    #[test]
    fn the_names_on_the_wire_are_those_of_the_contract() {
        let headers = encode(&event(), Position(7), Some(Position(5)));
        let seen: Vec<(String, String)> = headers
            .iter()
            .map(|header| {
                let value = String::from_utf8(header.value.unwrap().to_vec()).unwrap();
                (header.key.to_owned(), value)
            })
            .collect();
        let expected = [
            ("ce_specversion", "1.0"),
            ("ce_id", "1"),
            ("ce_source", "/shop"),
            ("ce_type", "order.placed"),
            ("ce_subject", "order-1"),
            ("ce_time", "1970-01-01T00:00:00Z"),
            ("content-type", "application/json"),
            ("ce_sequence", "00000000000000000007"),
            ("ce_previous", "00000000000000000005"),
        ];
        let expected: Vec<(String, String)> = expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec();
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_extension_cannot_stand_in_for_a_header_of_the_hub() {
        let mut disguised = event();
        disguised.extensions.insert("sequence".into(), "1".into());
        let headers = encode(&disguised, Position(7), None);
        let read = decode(Some(headers.as_borrowed()), None).unwrap();
        assert_eq!(read.position, Position(7));
    }

    #[test]
    fn a_record_of_somebody_else_is_told_apart() {
        assert_eq!(
            decode(None, Some(b"{}")),
            Err(HeaderError::Missing { name: SEQUENCE })
        );
        let odd = with(OwnedHeaders::new(), SEQUENCE, "seven");
        assert_eq!(
            decode(Some(odd.as_borrowed()), Some(b"{}")),
            Err(HeaderError::Invalid {
                name: SEQUENCE.into(),
                value: "seven".into()
            })
        );
        let headers = encode(&event(), Position(7), None);
        assert_eq!(
            decode(Some(headers.as_borrowed()), Some(b"\xff")),
            Err(HeaderError::Payload)
        );
    }
}
