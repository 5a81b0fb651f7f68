//! An event that a projection follows.

use dragoman_core::RecordedEvent;

use crate::Definition;

/// An event with the topic that its type is published to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Followed<'e> {
    pub(crate) event: &'e RecordedEvent,
    pub(crate) topic: &'e str,
}

impl<'e> Followed<'e> {
    /// `None` for an event of a type that the definition does not follow.
    pub(crate) fn of(definition: &'e Definition, event: &'e RecordedEvent) -> Option<Self> {
        let topic = definition.events.get(&event.event.event_type)?;
        Some(Self { event, topic })
    }

    /// What is parked when it fails: its topic and its subject.
    pub(crate) fn subject(&self) -> (&'e str, &'e str) {
        (self.topic, &self.event.event.subject)
    }
}
