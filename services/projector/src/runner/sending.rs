//! Sending events to a receiver: taking them in, keeping them under way, and writing down
//! what came of them, while more come in.

mod recording;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_core::{Position, RecordedEvent};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
use super::attempts::Attempts;
use super::cursor::{Cursor, Place};
use super::patience::Quit;
use super::session::{Session, StepEnd};
use crate::bookkeeping::decisions::Verdict;
use crate::bookkeeping::parking::Failure;
use crate::sinks::http::{Entry, Letter, Outlook, Persistence, Receiver, State, Window};
use crate::{Applied, Order, Step};

/// How many events of one reader are on their way or wait for those before them.
const ROOM: usize = 2_000;
/// And what their data may take; one event has room in any case.
const ROOM_IN_BYTES: usize = 4 << 20;
/// How many settled events are written down at once.
const AT_ONCE: usize = 1_000;
/// How many are written down without waiting for more.
const ENOUGH: usize = 200;
/// And how long fewer may wait.
const SOON: Duration = Duration::from_millis(100);

/// What came of an event; `None`: it was not tried to the end.
pub(super) type Finished = (Position, Option<Result<(), Failure>>);

/// The events of one reader that are on their way.
#[derive(Debug)]
pub(super) struct Sending {
    window: Window,
    running: JoinSet<Finished>,
    /// The places up to which events were taken in, in order: behind those of the window.
    places: VecDeque<Place>,
    recorded: Instant,
    /// No call is begun any more.
    closing: CancellationToken,
}

impl Sending {
    fn new(order: Order) -> Self {
        Self {
            window: Window::new(order == Order::Total),
            running: JoinSet::new(),
            places: VecDeque::new(),
            recorded: Instant::now(),
            closing: CancellationToken::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.window.is_empty()
    }

    fn has_room(&self, events: &[RecordedEvent]) -> bool {
        let bytes: usize = events.iter().map(|event| event.event.data.len()).sum();
        self.is_empty()
            || self.window.len() + events.len() <= ROOM
                && self.window.bytes() + bytes <= ROOM_IN_BYTES
    }

    /// What came of the next event that ends; never when none is under way. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<Finished, JoinError> {
        match self.running.join_next().await {
            Some(finished) => finished,
            None => std::future::pending().await,
        }
    }

    fn add(&mut self, session: &Session, events: &[RecordedEvent], outlook: &Outlook) {
        for event in events {
            let Some(topic) = session.definition.events.get(&event.event.event_type) else {
                continue;
            };
            let line = (topic.clone(), event.event.subject.clone());
            let (state, edits) = match outlook.decided.about(event) {
                Some(Verdict::Skip) => (State::Skipped, 0),
                _ if outlook.parked.contains(&line) => (State::Behind, 0),
                Some(Verdict::Edit { edits, .. }) => (State::Waiting, *edits),
                None => (State::Waiting, 0),
            };
            self.window.add(Entry {
                event: Arc::new(
                    outlook
                        .decided
                        .edited(event)
                        .unwrap_or_else(|| event.clone()),
                ),
                topic: line.0,
                edits,
                state,
            });
        }
    }

    /// Sends what may be sent.
    fn start(&mut self, session: &Session, receiver: &Arc<Receiver>) {
        let persistence = match session.definition.order {
            Order::Subject => Persistence::UntilOthersPass,
            Order::Total => Persistence::UntilPatienceEnds,
        };
        while let Some(entry) = self.window.send_next() {
            let letter = Letter {
                event: Arc::clone(&entry.event),
                generation: session.generation.number,
                edits: entry.edits,
                replay: None,
            };
            let (receiver, closing) = (Arc::clone(receiver), self.closing.clone());
            self.running.spawn(async move {
                let outcome = receiver.deliver(&letter, persistence, &closing).await;
                (letter.event.position, outcome)
            });
        }
    }

    fn is_due(&self, settled: usize) -> bool {
        settled > 0
            && (settled == self.window.len()
                || settled >= ENOUGH
                || self.recorded.elapsed() >= SOON)
    }

    /// Up to where everything is settled when so many events at the front are; and how
    /// many places are passed with it. `reached`: up to where events were taken in;
    /// `anchor`: the offset of the owner record.
    fn place(
        &self,
        settled: usize,
        reached: &Place,
        anchor: Option<i64>,
    ) -> Option<(Place, usize)> {
        if settled == self.window.len() {
            return Some((reached.clone(), self.places.len()));
        }
        let last = self.window.front(settled).last().map(|entry| &*entry.event);
        let next = self.window.front(settled + 1).nth(settled);
        let passed = self
            .places
            .iter()
            .take_while(|place| next.is_none_or(|next| place.position < next.event.position))
            .count();
        let place = passed
            .checked_sub(1)
            .and_then(|index| self.places.get(index));
        match (place, last) {
            (Some(place), Some(last)) if place.position < last.position => {
                Some((Place::of(last, place.next_offset.or(anchor)), passed))
            }
            (Some(place), _) => Some((place.clone(), passed)),
            // An older offset than could be is safe: what comes again is known by its
            // position.
            (None, Some(last)) => Some((Place::of(last, anchor), 0)),
            (None, None) => None,
        }
    }
}

impl Session {
    /// Takes events in that are to be sent, when there is room for them. The owner record
    /// follows later, as they are settled; in a total order they are settled on return.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn send(
        &self,
        receiver: &Arc<Receiver>,
        cursor: &mut Cursor,
        events: &[RecordedEvent],
        to: &Place,
        quit: &Quit,
    ) -> Result<Applied, StepEnd> {
        let order = self.definition.order;
        while cursor
            .sending
            .as_ref()
            .is_some_and(|it| !it.has_room(events))
        {
            self.settle_next(cursor, quit).await?;
        }
        let step = cursor.step(events, to);
        let checkpoint = step.reached.clone();
        let outlook = if events.is_empty() {
            Outlook::default()
        } else {
            self.outlook(&step, quit).await?
        };
        let sending = cursor.sending.get_or_insert_with(|| Sending::new(order));
        sending.add(self, events, &outlook);
        sending.places.push_back(to.clone());
        sending.start(self, receiver);
        cursor.pass(to.clone());
        if order == Order::Total {
            while cursor.sending.as_ref().is_some_and(|it| !it.is_empty()) {
                if let Some(applied) = self.settle_next(cursor, quit).await?
                    && applied.stopped.is_some()
                {
                    cursor.moved(&applied.checkpoint);
                    return Ok(applied);
                }
            }
        }
        self.record_if_due(cursor, quit).await?;
        Ok(Applied {
            applied: 0,
            parked: 0,
            skipped: 0,
            checkpoint,
            stopped: None,
        })
    }

    /// Waits for the next event that is settled.
    async fn settle_next(
        &self,
        cursor: &mut Cursor,
        quit: &Quit,
    ) -> Result<Option<Applied>, StepEnd> {
        let finished = tokio::select! {
            biased;
            () = quit.cancelled() => return Err(StepEnd::Quit),
            finished = cursor.finished() => finished,
            // What is settled without a call, too, is to be written down.
            () = tokio::time::sleep(SOON) => return self.record_if_due(cursor, quit).await,
        };
        self.settle(cursor, finished, quit).await
    }

    /// Takes note of what came of an event, sends what may be sent now, and writes down
    /// what is due.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn settle(
        &self,
        cursor: &mut Cursor,
        finished: Result<Finished, JoinError>,
        quit: &Quit,
    ) -> Result<Option<Applied>, StepEnd> {
        self.note(cursor, finished)?;
        while let Some(more) = cursor
            .sending
            .as_mut()
            .and_then(|sending| sending.running.try_join_next())
        {
            self.note(cursor, more)?;
        }
        self.record_if_due(cursor, quit).await
    }

    fn note(
        &self,
        cursor: &mut Cursor,
        finished: Result<Finished, JoinError>,
    ) -> Result<(), StepEnd> {
        let (position, outcome) = finished.map_err(|_| ProjectorError::TaskLost {
            projection: self.name().to_owned(),
        })?;
        let (Some(sending), Some(receiver)) = (&mut cursor.sending, &self.receiver) else {
            return Ok(());
        };
        if let Some(outcome) = outcome {
            sending.window.settle(position, outcome);
        }
        sending.start(self, receiver);
        Ok(())
    }

    async fn outlook(&self, step: &Step<'_>, quit: &Quit) -> Result<Outlook, StepEnd> {
        let mut attempts = Attempts::new(self.name(), quit);
        loop {
            let looking = self
                .target
                .outlook(&self.definition, &self.generation, step);
            if let Some(outlook) = attempts.make(looking).await? {
                return Ok(outlook);
            }
        }
    }
}
