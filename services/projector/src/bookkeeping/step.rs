//! One step of a reader: some events, and what came of them.

use dragoman_core::{Position, RecordedEvent};

use super::stops::Stop;
use crate::Checkpoint;

/// Some events of one reader, to take effect together.
#[derive(Debug)]
pub struct Step<'a> {
    /// Who brings them, with `types`, and the offset and identity that the owner record
    /// is to have when they are done. Its `applied` is not looked at.
    pub reached: Checkpoint,
    /// The position that the owner record has now; `None`: there is none yet. Another
    /// position there means that another process owns the reader.
    pub expected: Option<Position>,
    /// The events that are to take effect, by position, all of the projection's types,
    /// above the generation's start, and not done by another reader. The owner record
    /// moves over all others.
    pub events: &'a [RecordedEvent],
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Events that took effect.
    pub applied: usize,
    /// Events whose subjects are parked now, or were before.
    pub parked: usize,
    /// Events that an operator had decided to skip.
    pub skipped: usize,
    /// The owner record as it is now.
    pub checkpoint: Checkpoint,
    /// With `order: total`: the event that stopped it. The owner record stands at the
    /// last event of the step before it, or where it stood; of a reader that had none,
    /// at the generation's start.
    pub stopped: Option<Stop>,
}

/// What came of draining a parked subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Events that took effect.
    pub applied: usize,
    /// Events that an operator had decided to skip.
    pub skipped: usize,
    /// Events that still wait, because the first of them failed again or was not
    /// brought.
    pub left: usize,
}
