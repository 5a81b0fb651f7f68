//! What a replay would send or execute, for whoever has to say yes to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use dragoman_core::{Position, RecordedEvent};
use dragoman_store::Store;

use super::page::Pages;
use super::way::Way;
use super::{ReplayError, opened};
use crate::bookkeeping::passed::Fate;
use crate::runner::ProjectorError;
use crate::{Definition, Replay, ReplaySelection, Target};

/// How many events are looked at at once.
const PAGE: usize = 2_000;

/// What a replay would send or execute, as things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayPlan {
    /// How many events of each type.
    pub types: BTreeMap<String, i64>,
    /// The first of them.
    pub first: Option<PlannedEvent>,
    /// The last of them.
    pub last: Option<PlannedEvent>,
    /// Events that were asked for and are left out.
    pub left_out: LeftOut,
    /// A replay that has not come to its end: none but the same can go on before.
    pub unfinished: Option<Replay>,
    /// The last replay, if it was of the same selection and has come to its end: this would
    /// be the next one, under new keys. Whoever lost sight of a replay sees here that it
    /// is done.
    pub done_before: Option<Replay>,
}

/// How many events it leaves out, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// They were never the projection's concern (`from:`).
    pub before_start: i64,
    /// The projection has not come so far: they take effect in their turn.
    pub not_passed: i64,
    /// They are parked: they were not taken yet.
    pub parked: i64,
    /// An operator decided that they never take effect.
    pub skipped: i64,
}

/// An event as a plan shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEvent {
    /// Its position.
    pub position: Position,
    /// Its type.
    pub event_type: String,
    /// Its subject.
    pub subject: String,
    /// Its time.
    pub time: DateTime<Utc>,
}

impl ReplayPlan {
    /// How many events it would send or execute.
    #[must_use]
    pub fn selected(&self) -> i64 {
        self.types.values().sum()
    }

    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::TookEffect { as_seen, .. } => {
                let event_type = as_seen.event.event_type.clone();
                *self.types.entry(event_type).or_default() += 1;
                let event = PlannedEvent::of(as_seen);
                self.first.get_or_insert_with(|| event.clone());
                self.last = Some(event);
            }
            Fate::BeforeStart => self.left_out.before_start += 1,
            Fate::NotPassed => self.left_out.not_passed += 1,
            Fate::Parked => self.left_out.parked += 1,
            Fate::Skipped => self.left_out.skipped += 1,
        }
    }
}

impl PlannedEvent {
    fn of(recorded: &RecordedEvent) -> Self {
        Self {
            position: recorded.position,
            event_type: recorded.event.event_type.clone(),
            subject: recorded.event.subject.clone(),
            time: recorded.event.time,
        }
    }
}

/// Says what a replay would send or execute. Does nothing of it, and writes nothing down.
///
/// # Errors
/// When the projection has nothing that could be done again, or a database does not
/// answer.
pub async fn plan_replay(
    definition: &Arc<Definition>,
    store: &Store,
    target: &Target,
    selection: &ReplaySelection,
) -> Result<ReplayPlan, ReplayError> {
    Way::of(definition)?;
    selection.must_choose(definition)?;
    opened(definition, target).await?;
    let name = &definition.name;
    let refused = || ProjectorError::target(name);
    let unfinished = target.unfinished_replay(name).await.map_err(refused())?;
    let last = target.last_replay(name).await.map_err(refused())?;
    let mut plan = ReplayPlan {
        done_before: last.filter(|last| {
            unfinished.is_none() && last.selection == *selection && last.position >= last.through
        }),
        unfinished,
        ..ReplayPlan::default()
    };
    let pages = Pages {
        definition,
        store,
        target,
        selection,
    };
    let head = store.head().await.map_err(ProjectorError::store(name))?;
    let end = selection.last().map_or(head, |last| last.min(head));
    let mut position = Position((selection.first().0 - 1).max(0));
    while position < end {
        let page = pages.page(position, end, PAGE).await?;
        page.fates.iter().for_each(|fate| plan.count(fate));
        position = page.through;
    }
    Ok(plan)
}
