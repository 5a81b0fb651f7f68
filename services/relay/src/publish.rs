//! Giving sealed events to Kafka, and writing down how far it holds them.

use std::collections::VecDeque;

use dragoman_core::{Clock as _, Position, RecordedEvent, SystemClock};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::{Leadership, MarkError, SealedBatch, Store};
use dragoman_stream::{Outgoing, Producer, Sent};
use tokio::sync::{mpsc, watch};

use crate::answer::in_time;
use crate::in_flight::InFlight;
use crate::lanes::Lanes;
use crate::{RelayError, telemetry};

/// What became of a round of producing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublishStep {
    /// Everything taken in was given to Kafka.
    Drained,
    /// Kafka has to acknowledge something first.
    Full,
    /// The catalogue that the lanes were made from does not know this type.
    UnknownType(String),
    /// The lease is not held any more; the rest was not produced.
    LostLease,
}

/// What became of writing marks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MarkStep {
    /// Nothing new to write.
    Nothing,
    /// Written.
    Marked,
    /// The lease is another's; nothing was written.
    LostLease,
}

/// Publishes sealed events, from one position on.
pub(crate) struct Publisher<'a> {
    store: &'a Store,
    leadership: &'a Leadership,
    producer: Producer,
    lanes: Lanes,
    in_flight: InFlight,
    /// Taken in and not produced yet, in order of position.
    pending: VecDeque<RecordedEvent>,
    /// A sealed batch that lies ahead of what was taken in.
    ahead: Option<SealedBatch>,
    /// The last position taken in.
    taken: Position,
    /// What was last written as being through.
    marked_through: Position,
    batch_limit: usize,
    in_flight_limit: usize,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        store: &'a Store,
        leadership: &'a Leadership,
        producer: Producer,
        lanes: Lanes,
        through: Position,
        batch_limit: usize,
        in_flight_limit: usize,
    ) -> Self {
        Self {
            store,
            leadership,
            producer,
            lanes,
            in_flight: InFlight::after(through),
            pending: VecDeque::new(),
            ahead: None,
            taken: through,
            marked_through: through,
            batch_limit,
            in_flight_limit,
        }
    }

    pub(crate) const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) const fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Whether Kafka has acknowledged everything that was taken in.
    pub(crate) fn is_drained(&self) -> bool {
        self.pending.is_empty() && self.in_flight.waiting() == 0
    }

    /// How many events Kafka has not acknowledged.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight.waiting()
    }

    /// Everything at or below is acknowledged in every partition.
    pub(crate) const fn through(&self) -> Position {
        self.in_flight.through()
    }

    /// Whether more may be taken in.
    pub(crate) fn has_room(&self) -> bool {
        self.pending.is_empty() && self.in_flight.waiting() < self.in_flight_limit
    }

    /// Takes in what comes next up to `head`: the batch that was just sealed when it
    /// continues what was taken in, else from the ledger. False when there is nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn take_step(
        &mut self,
        batches: &mut mpsc::Receiver<SealedBatch>,
        head: &watch::Receiver<Position>,
    ) -> Result<bool, RelayError> {
        // The head first: a batch that it covers has been handed out before.
        let head = *head.borrow();
        loop {
            if self.ahead.is_none() {
                self.ahead = batches.try_recv().ok();
            }
            let Some(batch) = self.ahead.take_if(|batch| is_through(batch, self.taken)) else {
                break;
            };
            tracing::trace!(
                batch = batch.batch,
                "a batch was read from the ledger already"
            );
        }
        if let Some(batch) = self
            .ahead
            .take_if(|batch| batch.first_position == self.taken.next())
        {
            self.take_in(batch.events);
            return Ok(true);
        }
        if self.taken >= head {
            return Ok(false);
        }
        let wanted = self
            .ahead
            .as_ref()
            .map_or(head.0, |batch| batch.first_position.0 - 1);
        let missing = usize::try_from(wanted - self.taken.0).unwrap_or(0);
        let reading = self
            .store
            .read_after(self.taken, missing.min(self.batch_limit));
        let events = in_time("reading the sealed log", reading)
            .await
            .unwrap_or_else(Err)
            .map_err(RelayError::store)?;
        let found = !events.is_empty();
        self.take_in(events);
        Ok(found)
    }

    fn take_in(&mut self, events: Vec<RecordedEvent>) {
        if let Some(last) = events.last() {
            self.taken = last.position;
        }
        self.pending.extend(events);
    }

    /// Produces what was taken in, for as long as Kafka takes it and the lease lasts.
    ///
    /// # Errors
    /// Halts when Kafka refuses an event.
    pub(crate) fn publish_step(&mut self) -> Result<PublishStep, RelayError> {
        while let Some(event) = self.pending.pop_front() {
            if !self.leadership.holds() {
                return Ok(PublishStep::LostLease);
            }
            let index = self.lanes.index_of(&event);
            let Some((index, lane)) =
                index.and_then(|index| Some((index, self.lanes.get_mut(index)?)))
            else {
                let unknown = event.event.event_type.clone();
                self.pending.push_front(event);
                return Ok(PublishStep::UnknownType(unknown));
            };
            if lane.holds(event.position) {
                self.in_flight.held_already();
                continue;
            }
            if planted(Bug::DropWhenFull) && self.in_flight.waiting() >= self.in_flight_limit / 100
            {
                self.in_flight.held_already();
                continue;
            }
            if self.in_flight.waiting() >= self.in_flight_limit {
                self.pending.push_front(event);
                return Ok(PublishStep::Full);
            }
            let previous = if planted(Bug::PreviousPerTopic) {
                Some(Position(event.position.0 - 1))
            } else {
                lane.previous
            };
            let sent = self.producer.send(Outgoing {
                topic: &lane.topic,
                partition: lane.partition,
                previous,
                recorded: &event,
            });
            match sent.map_err(RelayError::stream)? {
                Sent::Queued => {
                    lane.previous = Some(event.position);
                    self.in_flight.sent(index, event);
                    crash(CrashPoint::RelayMidPublish);
                }
                Sent::QueueFull => {
                    self.pending.push_front(event);
                    return Ok(PublishStep::Full);
                }
            }
        }
        Ok(PublishStep::Drained)
    }

    /// Takes acknowledgements in. Returns how many there were.
    ///
    /// # Errors
    /// Halts when a delivery failed.
    pub(crate) fn settle_step(&mut self) -> Result<usize, RelayError> {
        let deliveries = self
            .producer
            .take_deliveries()
            .map_err(RelayError::stream)?;
        let mut last_stored_at = None;
        for delivery in &deliveries {
            let Some(waiting) = self.in_flight.acknowledge(delivery.position) else {
                continue;
            };
            last_stored_at = Some(waiting.stored_at);
            if let Some(lane) = self.lanes.get_mut(waiting.lane) {
                lane.acknowledge(waiting.identity, delivery.offset);
            }
        }
        if !deliveries.is_empty() {
            telemetry::published(deliveries.len(), last_stored_at, SystemClock.now());
        }
        Ok(deliveries.len())
    }

    /// Writes down how far each partition has come, where that is news.
    ///
    /// # Errors
    /// When the database does not take it.
    pub(crate) async fn mark_step(&mut self) -> Result<MarkStep, RelayError> {
        let marks = self.lanes.due_marks();
        let through = if planted(Bug::MarkBeforeAck) {
            self.taken
        } else {
            self.in_flight.through()
        };
        if marks.is_empty() && through == self.marked_through {
            return Ok(MarkStep::Nothing);
        }
        let lease = self.leadership.lease();
        crash(CrashPoint::RelayAfterAckBeforeMark);
        let marking = self.store.write_marks(&lease, &marks, through);
        let marked = in_time("writing marks", marking)
            .await
            .unwrap_or_else(|error| Err(MarkError::Store(error)));
        match marked {
            Ok(()) => {
                crash(CrashPoint::RelayAfterMark);
                self.lanes.marked(&marks);
                self.marked_through = through;
                Ok(MarkStep::Marked)
            }
            Err(MarkError::LostLease) => Ok(MarkStep::LostLease),
            Err(MarkError::Store(source)) => Err(RelayError::store(source)),
        }
    }

    /// Sets the gauges of lag.
    pub(crate) fn report_lag(&self, head: Position) {
        let oldest = self
            .in_flight
            .oldest()
            .or_else(|| self.pending.front().map(|event| event.stored_at));
        telemetry::lag(
            head.0 - self.in_flight.through().0,
            oldest,
            self.in_flight.waiting(),
            SystemClock.now(),
        );
    }

    /// Gives up what Kafka has not acknowledged.
    pub(crate) async fn abandon(self) {
        self.producer.abandon().await;
    }
}

fn is_through(batch: &SealedBatch, taken: Position) -> bool {
    batch
        .events
        .last()
        .is_none_or(|last| last.position <= taken)
}
