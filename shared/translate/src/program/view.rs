//! An event, opened for programs.

use vrl::value::Value;

use super::input::{Input, Place};
use crate::{Document, Json, JsonError};
use dragoman_core::Event;

/// An event of the log, opened for programs: parse once, evaluate many.
#[derive(Debug)]
pub struct EventView<'a> {
    event: &'a Event,
    data: Document<'a>,
}

impl<'a> EventView<'a> {
    /// Opens an event.
    ///
    /// # Errors
    /// Its data is no strict JSON.
    pub fn read(event: &'a Event) -> Result<Self, JsonError> {
        Ok(Self {
            event,
            data: Document::parse(event.data.as_bytes())?,
        })
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> Json<'_> {
        self.data.root()
    }
}

/// One element of what an [`Each`](crate::Each) yields.
#[derive(Debug, Clone)]
pub struct Item<'v>(pub(super) Element<'v>);

#[derive(Debug, Clone)]
pub(super) enum Element<'v> {
    /// As it came.
    Copied(Json<'v>),
    /// Made by the program.
    Made(Value),
}

/// What a program after the log reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventInput<'v> {
    pub(super) view: &'v EventView<'v>,
    pub(super) item: Option<&'v Item<'v>>,
}

impl<'v> Input<'v> for EventInput<'v> {
    fn place(&self, name: &str) -> Option<Place<'v>> {
        let event = self.view.event;
        Some(match name {
            "id" => Place::Text(&event.id),
            "source" => Place::Text(&event.source),
            "type" => Place::Text(&event.event_type),
            "subject" => Place::Text(&event.subject),
            "time" => Place::Time(event.time),
            "data" => Place::Json(self.view.data()),
            "extensions" => Place::Map(&event.extensions),
            "item" => match &self.item?.0 {
                Element::Copied(json) => Place::Json(*json),
                Element::Made(value) => Place::Made(value),
            },
            _ => return None,
        })
    }

    fn names(&self) -> &'static [&'static str] {
        &[
            "id",
            "source",
            "type",
            "subject",
            "time",
            "data",
            "extensions",
            "item",
        ]
    }
}
