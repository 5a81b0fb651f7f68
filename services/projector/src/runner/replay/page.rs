//! Reading what was asked for out of the log, with what became of it.

use std::sync::Arc;

use dragoman_core::{Position, RecordedEvent};
use dragoman_store::Store;

use crate::bookkeeping::passed::Fate;
use crate::runner::ProjectorError;
use crate::sinks::http::Letter;
use crate::{Definition, Replay, ReplaySelection, Target};

/// Where a selection is read from.
#[derive(Debug)]
pub(super) struct Pages<'p> {
    pub(super) definition: &'p Arc<Definition>,
    pub(super) store: &'p Store,
    pub(super) target: &'p Target,
    pub(super) selection: &'p ReplaySelection,
}

/// Some of the events that were asked for, by position.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) fates: Vec<Fate>,
    /// Nothing else that was asked for is at or below.
    pub(super) through: Position,
}

impl Pages<'_> {
    /// The next events behind a position and up to another one, about `limit` at the most.
    ///
    /// # Errors
    /// When a database does not answer, or the projection was never opened.
    pub(super) async fn page(
        &self,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Page, ProjectorError> {
        let name = &self.definition.name;
        let filter = self.selection.filter(self.definition);
        let found = self.store.list_events(&filter, after, limit).await;
        let found = found.map_err(ProjectorError::store(name))?;
        let wanted = |event: &RecordedEvent| {
            event.position <= until && self.selection.covers(self.definition, event)
        };
        let events: Vec<RecordedEvent> = found.events.into_iter().filter(wanted).collect();
        let through = if found.ended {
            until
        } else {
            found.through.min(until)
        };
        let passed = self.target.passed_among(name, &events).await;
        let passed = passed
            .map_err(ProjectorError::target(name))?
            .ok_or_else(|| ProjectorError::NeverOpened {
                projection: name.clone(),
            })?;
        let fates = events.into_iter().map(|event| passed.fate(event));
        Ok(Page {
            fates: fates.collect(),
            through,
        })
    }
}

impl Page {
    /// What a replay sends of it.
    pub(super) fn letters(self, replay: &Replay) -> Vec<Letter> {
        let letter = |(event, edits)| Letter {
            event,
            generation: replay.generation,
            edits,
            replay: Some(replay.id),
        };
        self.took_effect().map(letter).collect()
    }

    /// What a replay executes of it.
    pub(super) fn events(self) -> Vec<Arc<RecordedEvent>> {
        self.took_effect().map(|(event, _)| event).collect()
    }

    /// The events that are done again, as the projection sees them, with how often they
    /// were edited.
    fn took_effect(self) -> impl Iterator<Item = (Arc<RecordedEvent>, i32)> {
        self.fates.into_iter().filter_map(|fate| match fate {
            Fate::TookEffect { as_seen, edits } => Some((as_seen, edits)),
            Fate::BeforeStart | Fate::NotPassed | Fate::Parked | Fate::Skipped => None,
        })
    }
}
