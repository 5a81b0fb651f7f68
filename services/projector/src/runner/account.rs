//! The account of a projection: what the log holds for it beside what became of that.

use std::collections::HashMap;

use dragoman_core::Position;
use dragoman_store::{Coverage, Store};

use super::ProjectorError;
use crate::{Checkpoint, Definition, Opened, Reader, TargetCounts};

/// The account of a projection: what the log holds for it beside what became of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectionAccount {
    /// The highest position such that every event of the projection at or below it is
    /// applied, parked or skipped; the head of the ledger when nothing is pending.
    pub position: Position,
    /// Sealed events of the projection that are not applied, parked or skipped yet.
    pub lag: i64,
    /// Events of the projection that its checkpoints have passed, counted in the log.
    pub due: i64,
    /// Events that took effect, counted in the owner records; with those of parked
    /// subjects that took effect later.
    pub applied: i64,
    /// Subjects parked.
    pub parked_subjects: i64,
    /// Events parked.
    pub parked_events: i64,
    /// Events that an operator skipped.
    pub skipped: i64,
}

impl ProjectionAccount {
    /// How many events are not where they should be: `due` against applied + parked +
    /// skipped.
    #[must_use]
    pub const fn unbalanced(&self) -> i64 {
        (self.due - self.applied - self.parked_events - self.skipped).abs()
    }
}

/// Adds up the account of a projection, of which a moment of its target was read before
/// ([`Target::look_and_count`](crate::Target::look_and_count)). Reads the whole log, up to
/// the checkpoints that were found there: a projection at work does not look unbalanced.
/// One that was never opened has everything pending.
///
/// # Errors
/// When the hub's database does not answer.
pub async fn account(
    definition: &Definition,
    store: &Store,
    moment: Option<(Opened, TargetCounts)>,
) -> Result<ProjectionAccount, ProjectorError> {
    let name = &definition.name;
    let types: Vec<String> = definition.events.keys().cloned().collect();
    let (start, checkpoints, counts) = match moment {
        Some((opened, counts)) => (opened.generation.start, opened.checkpoints, counts),
        None => (Position::ZERO, Vec::new(), TargetCounts::default()),
    };
    let covered = store
        .count_covered(&types, start, &coverages(&checkpoints))
        .await
        .map_err(ProjectorError::store(name))?;
    let position = covered
        .first_pending
        .map_or(covered.head, |first| Position(first.0 - 1));
    let through_readers: i64 = checkpoints.iter().map(|one| one.applied).sum();
    Ok(ProjectionAccount {
        position,
        lag: covered.pending,
        due: covered.done,
        applied: through_readers + counts.drained,
        parked_subjects: counts.parked_subjects,
        parked_events: counts.parked_events,
        skipped: counts.skipped,
    })
}

/// A type, and the partition and their number, or the whole.
type Share<'a> = (&'a str, Option<(i32, i32)>);

/// What the checkpoints cover, the furthest of each share.
fn coverages(checkpoints: &[Checkpoint]) -> Vec<Coverage> {
    let mut furthest: HashMap<Share<'_>, Position> = HashMap::new();
    for checkpoint in checkpoints {
        let share = match checkpoint.reader {
            Reader::Ledger => None,
            Reader::Partition {
                partition,
                partitions,
                ..
            } => Some((partition, partitions)),
        };
        for event_type in &checkpoint.types {
            let through = furthest
                .entry((event_type.as_str(), share))
                .or_insert(Position::ZERO);
            *through = (*through).max(checkpoint.position);
        }
    }
    furthest
        .into_iter()
        .map(|((event_type, partition), through)| Coverage {
            event_type: event_type.to_owned(),
            partition,
            through,
        })
        .collect()
}
