//! What was given to Kafka and not yet acknowledged, by position.
//!
//! Positions are dense, so the events on their way are a queue in which a position
//! is an index; acknowledgements come per partition and hence out of order here.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use dragoman_core::{Identity, Position, RecordedEvent};

/// One position on its way.
#[derive(Debug)]
enum Entry {
    Waiting(Waiting),
    Done,
}

/// An event that Kafka has not acknowledged.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Which lane it travels in.
    pub(crate) lane: usize,
    pub(crate) identity: Identity,
    pub(crate) stored_at: DateTime<Utc>,
}

/// The events between what is through and what was taken in last.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// Everything at or below is acknowledged in every partition.
    through: Position,
    /// The positions after `through`, in order.
    entries: VecDeque<Entry>,
    waiting: usize,
}

impl InFlight {
    /// Nothing on its way; everything up to `through` is in Kafka.
    pub(crate) fn after(through: Position) -> Self {
        Self {
            through,
            entries: VecDeque::new(),
            waiting: 0,
        }
    }

    pub(crate) const fn through(&self) -> Position {
        self.through
    }

    /// How many are not acknowledged.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes the next position in, as sent.
    pub(crate) fn sent(&mut self, lane: usize, event: RecordedEvent) {
        self.waiting += 1;
        self.entries.push_back(Entry::Waiting(Waiting {
            lane,
            stored_at: event.stored_at,
            identity: Identity {
                position: event.position,
                source: event.event.source,
                id: event.event.id,
            },
        }));
    }

    /// Takes the next position in, as one that its partition holds already.
    pub(crate) fn held_already(&mut self) {
        self.entries.push_back(Entry::Done);
        self.advance();
    }

    /// Notes an acknowledgement. `None` for a position that was not waited for.
    pub(crate) fn acknowledge(&mut self, position: Position) -> Option<Waiting> {
        let index = usize::try_from(position.0 - self.through.0 - 1).ok()?;
        let entry = self.entries.get_mut(index)?;
        match std::mem::replace(entry, Entry::Done) {
            Entry::Waiting(waiting) => {
                self.waiting -= 1;
                self.advance();
                Some(waiting)
            }
            Entry::Done => None,
        }
    }

    /// When the oldest event on its way was stored.
    pub(crate) fn oldest(&self) -> Option<DateTime<Utc>> {
        match self.entries.front()? {
            Entry::Waiting(waiting) => Some(waiting.stored_at),
            Entry::Done => None,
        }
    }

    fn advance(&mut self) {
        while matches!(self.entries.front(), Some(Entry::Done)) {
            self.entries.pop_front();
            self.through = self.through.next();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::InFlight;
    use crate::testing::recorded;
    use dragoman_core::Position;

    #[test]
    fn through_waits_for_the_oldest_whatever_the_order_of_acknowledgements() {
        let mut in_flight = InFlight::after(Position(10));
        in_flight.sent(0, recorded(11));
        in_flight.held_already();
        in_flight.sent(1, recorded(13));
        in_flight.sent(0, recorded(14));
        assert_eq!(in_flight.waiting(), 3);
        let acknowledged = in_flight.acknowledge(Position(13)).unwrap();
        assert_eq!(acknowledged.lane, 1);
        assert_eq!(in_flight.through(), Position(10));
        assert!(in_flight.acknowledge(Position(11)).is_some());
        assert_eq!(in_flight.through(), Position(13));
        assert!(in_flight.acknowledge(Position(13)).is_none());
        assert!(in_flight.acknowledge(Position(99)).is_none());
        assert!(in_flight.acknowledge(Position(14)).is_some());
        assert_eq!(
            (in_flight.through(), in_flight.waiting()),
            (Position(14), 0)
        );
    }

    #[test]
    fn what_a_partition_holds_already_is_through_at_once() {
        let mut in_flight = InFlight::after(Position::ZERO);
        in_flight.held_already();
        in_flight.held_already();
        assert_eq!(in_flight.through(), Position(2));
        assert_eq!(in_flight.oldest(), None);
    }
}
