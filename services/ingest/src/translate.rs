//! From a verified delivery to events that may enter the log.

use dragoman_core::{Event, JSON};
use dragoman_store::AppendConflict;
use dragoman_translate::{
    DecodeError, Document, JsonError, MappedEvent, MappingError, MappingInput,
};
use thiserror::Error;

use crate::adapters::Webhook;
use crate::catalogue::EventFault;
use crate::delivery::{Delivery, is_traceparent};

/// What is wrong with a delivery that is authentic.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum DeliveryFault {
    /// The body cannot be decoded.
    #[error(transparent)]
    Body(DecodeError),
    /// The mapping failed.
    #[error("the mapping does not take it")]
    Mapping(#[source] MappingError),
    /// The mapping yields what is not JSON; a mistake of this program.
    #[error("the data of event {number} is not strict JSON")]
    Data {
        number: usize,
        #[source]
        source: JsonError,
    },
    /// An event that came of it may not enter the log.
    #[error("event {number} cannot be stored")]
    Event {
        number: usize,
        #[source]
        source: EventFault,
    },
    /// An event's id stands for other content.
    #[error("{}", conflict(*number, first))]
    Conflict {
        number: usize,
        first: AppendConflict,
    },
    /// The database would not take an event.
    #[error("the hub's database refuses it; the log of the hub says why")]
    NotStorable,
}

fn conflict(number: usize, first: &AppendConflict) -> String {
    match first.stored_at {
        Some(at) => format!(
            "the id of event {number} stands for other content, stored at {}",
            at.to_rfc3339()
        ),
        None => format!("the id of event {number} stands for other content in the same delivery"),
    }
}

impl DeliveryFault {
    /// A stable word for it.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Body(_) => "invalid_body",
            Self::Mapping(_) => "mapping_failed",
            Self::Data { .. } => "invalid_data",
            Self::Event { source, .. } => match source {
                EventFault::Attribute(_) => "invalid_attribute",
                EventFault::UnknownType { .. } => "unknown_type",
                EventFault::Schema { .. } => "schema_violated",
                EventFault::TooLarge { .. } => "too_large",
            },
            Self::Conflict { .. } => "conflict",
            Self::NotStorable => "not_storable",
        }
    }

    /// Of the first of some conflicts.
    pub(crate) fn conflict(conflicts: &[AppendConflict]) -> Self {
        conflicts
            .first()
            .map_or(Self::NotStorable, |first| Self::Conflict {
                number: first.event,
                first: *first,
            })
    }
}

/// The events of a delivery, each passed by `check`; none: nothing for us.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn events_of(
    webhook: &Webhook,
    delivery: &Delivery,
    check: impl Fn(&Event, &Document<'_>) -> Result<(), EventFault>,
) -> Result<Vec<Event>, DeliveryFault> {
    let json = webhook
        .decoder
        .json(&delivery.body)
        .map_err(DeliveryFault::Body)?;
    let body = Document::parse(&json)
        .map_err(DecodeError::Json)
        .map_err(DeliveryFault::Body)?;
    let mapped = webhook
        .mapping
        .run(MappingInput {
            body: &body,
            headers: &delivery.headers,
            query: &delivery.query,
            received: delivery.received,
        })
        .map_err(DeliveryFault::Mapping)?;
    let mut events = Vec::with_capacity(mapped.len());
    for (number, mapped) in mapped.into_iter().enumerate() {
        let event = event_of(webhook, delivery, mapped);
        let data = Document::parse(event.data.as_bytes())
            .map_err(|source| DeliveryFault::Data { number, source })?;
        check(&event, &data).map_err(|source| DeliveryFault::Event { number, source })?;
        events.push(event);
    }
    Ok(events)
}

fn event_of(webhook: &Webhook, delivery: &Delivery, mapped: MappedEvent) -> Event {
    Event {
        id: mapped.id,
        source: webhook.source.clone(),
        event_type: mapped.event_type,
        subject: mapped.subject,
        time: mapped.time.unwrap_or(delivery.received),
        content_type: JSON.to_owned(),
        data: mapped.data,
        traceparent: delivery
            .headers
            .get("traceparent")
            .filter(|text| is_traceparent(text))
            .cloned(),
        extensions: std::collections::BTreeMap::new(),
    }
}
