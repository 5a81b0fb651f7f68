//! How far a reader has come.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dragoman_core::{Identity, Position, RecordedEvent};
use tokio::task::JoinError;

use super::floor::floor;
use super::sending::{Finished, Sending};
use crate::{Checkpoint, Generation, Reader, RowCache, Step};

/// How long an owner record may stay behind events that are not the projection's.
const BEHIND: Duration = Duration::from_secs(1);

/// A place in what a reader brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: Position,
    /// Who the event at `position` is, where that is known.
    pub(super) identity: Option<Identity>,
    /// The offset that comes next, where there are offsets.
    pub(super) next_offset: Option<i64>,
}

impl Place {
    pub(super) const fn at(position: Position) -> Self {
        Self {
            position,
            identity: None,
            next_offset: None,
        }
    }

    pub(super) fn of(event: &RecordedEvent, next_offset: Option<i64>) -> Self {
        Self {
            position: event.position,
            identity: Some(event.identity()),
            next_offset,
        }
    }
}

/// A reader at work: what its owner record says, and what was taken in since.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) reader: Reader,
    pub(super) types: BTreeSet<String>,
    start: Position,
    /// The position of the owner record; `None`: there is none yet.
    owner: Option<Position>,
    /// Everything up to here is done, though the owner record may not say so yet.
    reached: Place,
    written: Instant,
    /// Other readers' records that say more than this one's.
    others: Vec<Checkpoint>,
    /// The offset of the owner record.
    anchored: Option<i64>,
    /// Events that are on their way to a receiver: taken in, and not done.
    pub(super) sending: Option<Sending>,
    /// Rows of a fold as its steps left them.
    pub(super) rows: RowCache,
}

impl Cursor {
    /// A reader of these types, by the owner records that there are. It begins above
    /// everything that old records of other readers together say is done.
    pub(super) fn new(
        reader: Reader,
        types: BTreeSet<String>,
        generation: &Generation,
        checkpoints: &[Checkpoint],
    ) -> Self {
        let own = checkpoints
            .iter()
            .find(|checkpoint| checkpoint.reader == reader && checkpoint.types == types);
        let floor = floor(&reader, &types, generation.start, checkpoints);
        let mut reached = own.map_or(Place::at(Position::ZERO), place_of);
        if floor > reached.position {
            reached.position = floor;
            reached.identity = checkpoints
                .iter()
                .find(|checkpoint| checkpoint.position == floor)
                .and_then(|checkpoint| checkpoint.identity.clone());
        }
        let position = own.map_or(generation.start, |own| own.position);
        let others = checkpoints
            .iter()
            .filter(|other| other.position > position)
            .filter(|other| (&other.reader, &other.types) != (&reader, &types))
            .cloned()
            .collect();
        Self {
            owner: own.map(|own| own.position),
            anchored: own.and_then(|own| own.next_offset),
            sending: None,
            rows: RowCache::default(),
            start: generation.start,
            reader,
            types,
            reached,
            written: Instant::now(),
            others,
        }
    }

    pub(super) const fn reached(&self) -> &Place {
        &self.reached
    }

    pub(super) const fn position(&self) -> Position {
        self.reached.position
    }

    /// Whether an event is to take effect through this reader.
    pub(super) fn wants(&self, event: &RecordedEvent) -> bool {
        self.types.contains(&event.event.event_type)
            && event.position > self.start
            && !self.others.iter().any(|other| other.is_done(event))
    }

    /// Goes on over events that are not to take effect.
    pub(super) fn pass(&mut self, place: Place) {
        self.reached = place;
    }

    /// Says from which offset on Kafka goes on behind this place.
    pub(super) fn anchor(&mut self, next_offset: Option<i64>) {
        self.reached.next_offset = next_offset;
    }

    /// The offset of the owner record, where there are offsets.
    pub(super) const fn anchored(&self) -> Option<i64> {
        self.anchored
    }

    /// What came of the next event under way; never when there is none. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<Finished, JoinError> {
        match &mut self.sending {
            Some(sending) => sending.finished().await,
            None => std::future::pending().await,
        }
    }

    /// Whether it is time to let the owner record say how far events were passed.
    pub(super) fn is_due(&self) -> bool {
        self.is_ahead() && self.written.elapsed() >= BEHIND
    }

    /// Whether the owner record is behind.
    pub(super) fn is_ahead(&self) -> bool {
        self.owner.is_none_or(|owner| self.reached.position > owner)
    }

    /// The step from the owner record to a place.
    pub(super) fn step<'a>(&self, events: &'a [RecordedEvent], to: &Place) -> Step<'a> {
        Step {
            reached: Checkpoint {
                reader: self.reader.clone(),
                types: self.types.clone(),
                position: to.position,
                identity: to.identity.clone(),
                next_offset: to.next_offset,
                applied: 0,
            },
            expected: self.owner,
            events,
        }
    }

    /// The owner record was moved, to where the reader is.
    pub(super) fn moved(&mut self, checkpoint: &Checkpoint) {
        self.recorded(checkpoint);
        self.reached = place_of(checkpoint);
        self.sending = None;
    }

    /// The owner record was moved, and the reader may be further.
    pub(super) fn recorded(&mut self, checkpoint: &Checkpoint) {
        self.owner = Some(checkpoint.position);
        self.anchored = checkpoint.next_offset;
        self.written = Instant::now();
    }

    /// Begins again from the owner records as they are now.
    pub(super) fn resynchronise(&mut self, generation: &Generation, checkpoints: &[Checkpoint]) {
        let (reader, types) = (self.reader.clone(), std::mem::take(&mut self.types));
        *self = Self::new(reader, types, generation, checkpoints);
    }
}

fn place_of(checkpoint: &Checkpoint) -> Place {
    Place {
        position: checkpoint.position,
        identity: checkpoint.identity.clone(),
        next_offset: checkpoint.next_offset,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Cursor, Place};
    use crate::{Checkpoint, Generation, GenerationState, Reader, ReaderMode};
    use chrono::DateTime;
    use dragoman_core::{Event, JSON, Position, RecordedEvent};
    use std::collections::BTreeMap;

    fn generation(start: i64) -> Generation {
        Generation {
            projection: "sales".into(),
            number: 1,
            state: GenerationState::Live,
            mode: ReaderMode::Kafka,
            start: Position(start),
            definition_hash: [0; 32],
        }
    }

    fn partition(topic: &str, partition: i32) -> Reader {
        Reader::Partition {
            topic: topic.into(),
            partition,
            partitions: 2,
        }
    }

    fn at(reader: Reader, types: &[&str], position: i64) -> Checkpoint {
        Checkpoint {
            reader,
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            position: Position(position),
            identity: None,
            next_offset: Some(7),
            applied: 0,
        }
    }

    fn cursor(reader: Reader, types: &[&str], start: i64, checkpoints: &[Checkpoint]) -> Cursor {
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        Cursor::new(reader, types, &generation(start), checkpoints)
    }

    fn event(position: i64, event_type: &str) -> RecordedEvent {
        RecordedEvent {
            position: Position(position),
            seq: 0,
            stored_at: DateTime::UNIX_EPOCH,
            event: Event {
                id: position.to_string(),
                source: "/shop".into(),
                event_type: event_type.into(),
                subject: "order-1".into(),
                time: DateTime::UNIX_EPOCH,
                content_type: JSON.into(),
                data: "{}".into(),
                traceparent: None,
                extensions: BTreeMap::new(),
            },
        }
    }

    #[test]
    fn a_reader_goes_on_from_its_own_record() {
        let own = at(partition("orders", 0), &["a"], 5);
        let cursor = cursor(partition("orders", 0), &["a"], 0, &[own]);
        assert_eq!(cursor.position(), Position(5));
        assert_eq!(cursor.reached().next_offset, Some(7));
        assert!(!cursor.is_ahead());
    }

    #[test]
    fn a_new_reader_begins_where_the_generation_does() {
        let cursor = cursor(partition("orders", 0), &["a"], 3, &[]);
        assert_eq!(cursor.reached(), &Place::at(Position(3)));
        assert!(!cursor.wants(&event(3, "a")));
        assert!(cursor.wants(&event(4, "a")));
        assert!(!cursor.wants(&event(4, "b")));
    }

    #[test]
    fn a_partition_begins_above_the_record_of_the_ledger() {
        let ledger = at(Reader::Ledger, &["a", "b"], 9);
        let cursor = cursor(partition("orders", 0), &["a"], 0, &[ledger]);
        assert_eq!(cursor.position(), Position(9));
        assert_eq!(cursor.reached().next_offset, None);
    }

    #[test]
    fn the_ledger_begins_above_the_lowest_partition_and_passes_what_others_did() {
        let low = at(partition("orders", 0), &["a"], 4);
        let high = at(partition("orders", 1), &["a"], 8);
        let both = [low, high];
        let ledger = cursor(Reader::Ledger, &["a"], 0, &both);
        assert_eq!(ledger.position(), Position(4));
        let share = both[1].reader.covers(event(6, "a").event.subject_hash());
        assert_eq!(ledger.wants(&event(6, "a")), !share);
        assert!(ledger.wants(&event(9, "a")));
        let half = cursor(Reader::Ledger, &["a"], 0, &both[..1]);
        assert_eq!(half.position(), Position::ZERO, "a partition is missing");
    }

    #[test]
    fn a_type_that_moved_begins_where_its_old_topic_stands() {
        let old = [
            at(partition("orders", 0), &["a", "b"], 4),
            at(partition("orders", 1), &["a", "b"], 8),
            at(partition("stock", 0), &["c"], 20),
            at(partition("stock", 1), &["c"], 20),
        ];
        let moved = cursor(partition("stock", 1), &["b", "c"], 0, &old);
        // Partition 1 of two has the same subjects in either topic.
        assert_eq!(moved.position(), Position(8));
        assert!(
            !moved.wants(&event(15, "c"))
                || !old[3].reader.covers(event(15, "c").event.subject_hash())
        );
    }
}
