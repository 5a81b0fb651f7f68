//! One partition of a topic, as long as this instance has it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_core::{Identity, Position, RecordedEvent};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::Mark;
use dragoman_stream::{Found, KafkaOptions, PartitionReader, Record, StreamError, TopicPartition};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::beginning::Beginning;
use super::cursor::{Cursor, Place};
use super::drain::Drainer;
use super::error::ProjectorError;
use super::fill::Missing;
use super::patience::{Quit, patiently};
use super::session::{Session, StepEnd};
use super::silence::Silence;
use super::watch::Marks;
use crate::telemetry;

/// How often a lane looks for what does not come from Kafka.
const TICK: Duration = Duration::from_millis(300);

/// The most records that are looked at together: none of their events need be the
/// projection's, and then no window fills.
const LOOKED_AT_TOGETHER: usize = 2_000;

/// A partition at work.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) session: Arc<Session>,
    pub(super) kafka: KafkaOptions,
    pub(super) cursor: Cursor,
    /// How a reader that has no anchor in Kafka yet is brought there by the log first.
    pub(super) beginning: Option<Beginning>,
    pub(super) quit: Quit,
    pub(super) records: PartitionReader,
    pub(super) marks: watch::Receiver<Marks>,
    /// The offset of the record that comes next.
    pub(super) next_offset: i64,
    pub(super) heard: Instant,
    pub(super) silence: Silence,
    /// Events to take effect together, and the place behind them and behind those that
    /// came after the last of them and are not to take effect.
    pub(super) window: Vec<RecordedEvent>,
    pub(super) ahead: Option<Place>,
    pub(super) drainer: Drainer,
}

impl Lane {
    /// Works until it is time to quit, and says why it ended.
    pub(super) async fn run(mut self) -> StepEnd {
        let end = match self.work().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        self.session.close(&mut self.cursor).await;
        telemetry::unread(self.session.name(), &self.cursor.reader, 0);
        end
    }

    async fn work(&mut self) -> Result<Infallible, StepEnd> {
        if let Some(beginning) = self.beginning.take() {
            self.begin(beginning).await?;
        }
        self.silence.broken(Instant::now());
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.quit.cancelled() => return Err(StepEnd::Quit),
                _ = tick.tick() => self.tick().await?,
                finished = self.cursor.finished() => {
                    self.session.take_note(&mut self.cursor, finished, &self.quit).await?;
                }
                ready = self.records.ready() => {
                    ready.map_err(|error| self.given_up(error))?;
                    self.take().await?;
                    // Nothing there need have waited, and other lanes share the thread.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn tick(&mut self) -> Result<(), StepEnd> {
        let mark = self.mark();
        let behind = mark.map_or(0, |mark| mark.kafka_offset + 1 - self.next_offset);
        telemetry::unread(self.session.name(), &self.cursor.reader, behind);
        self.session.drain(&self.cursor, &mut self.drainer).await?;
        self.session
            .note_passed(&mut self.cursor, &self.quit)
            .await?;
        self.check_tail().await
    }

    pub(super) const fn partition(&self) -> &TopicPartition {
        self.records.partition()
    }

    /// How far the relay knows this partition to reach.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.marks.borrow().get(self.partition()).cloned()
    }

    /// Why nothing more comes from Kafka.
    pub(super) fn given_up(&self, error: StreamError) -> StepEnd {
        StepEnd::Halted(ProjectorError::stream(self.session.name())(error))
    }

    /// Takes in what is there, up to a window, and lets it take effect.
    async fn take(&mut self) -> Result<(), StepEnd> {
        crash(CrashPoint::ProjectionAfterPoll);
        self.heard = Instant::now();
        for _ in 0..LOOKED_AT_TOGETHER {
            let found = self.records.take();
            let Some(found) = found.map_err(|error| self.given_up(error))? else {
                break;
            };
            self.collect(found).await?;
            if self.window.len() >= self.session.options.batch_limit {
                break;
            }
        }
        self.flush().await?;
        self.silence.broken(Instant::now());
        Ok(())
    }

    async fn collect(&mut self, found: Found) -> Result<(), StepEnd> {
        let (projection, partition) = (self.session.name(), self.partition());
        match found {
            Found::Record(record) => return self.collect_record(record).await,
            Found::Foreign(foreign) => {
                tracing::warn!(
                    projection, %partition, offset = foreign.offset, reason = %foreign.reason,
                    "a record that no relay wrote is passed over"
                );
                self.next_offset = foreign.offset + 1;
            }
            Found::Jumped { expected, found } => {
                tracing::info!(
                    projection, %partition, expected, found,
                    "a partition does not go on where it should have"
                );
            }
        }
        Ok(())
    }

    async fn collect_record(&mut self, record: Record) -> Result<(), StepEnd> {
        self.next_offset = record.offset + 1;
        let seen = self.seen();
        if record.position <= seen {
            telemetry::repeat(self.session.name());
            return Ok(());
        }
        if let Some(previous) = record.previous.filter(|previous| *previous > seen) {
            self.flush().await?;
            let missing = Missing {
                until: Place {
                    position: previous,
                    identity: None,
                    next_offset: Some(record.offset),
                },
                before: record.position,
                at_end: false,
            };
            if previous > self.cursor.position() && !planted(Bug::GapIgnored) {
                self.check_head(previous, || record.identity()).await?;
                self.session
                    .fill_gap(&mut self.cursor, missing, &self.quit)
                    .await?;
            }
            // Meanwhile another process may have brought this one, too.
            if record.position <= self.cursor.position() {
                return Ok(());
            }
        }
        self.push(record);
        Ok(())
    }

    fn push(&mut self, record: Record) {
        let event = RecordedEvent {
            position: record.position,
            // Kafka does not say when and in which order it arrived; nothing here asks.
            seq: 0,
            stored_at: record.event.time,
            event: record.event,
        };
        let mut place = Place {
            position: event.position,
            identity: None,
            next_offset: Some(record.offset + 1),
        };
        if self.cursor.wants(&event) {
            self.window.push(event);
        } else {
            place.identity = Some(Identity {
                position: event.position,
                source: event.event.source,
                id: event.event.id,
            });
        }
        self.ahead = Some(place);
    }

    /// The last position taken in.
    fn seen(&self) -> Position {
        let ahead = self.ahead.as_ref().map(|ahead| ahead.position);
        ahead.unwrap_or_else(|| self.cursor.position())
    }

    /// Lets the window take effect.
    async fn flush(&mut self) -> Result<(), StepEnd> {
        let Some(mut to) = self.ahead.take() else {
            return Ok(());
        };
        let mut window = std::mem::take(&mut self.window);
        if to.identity.is_none() {
            to.identity = window.last().map(RecordedEvent::identity);
        }
        if let Some(identity) = to.identity.clone() {
            self.check_head(to.position, || identity.clone()).await?;
        }
        if window.is_empty() {
            self.cursor.pass(to);
            return self.session.note_passed(&mut self.cursor, &self.quit).await;
        }
        let before = self.cursor.reached().clone();
        loop {
            let applied = self
                .session
                .apply(&mut self.cursor, &window, &to, &self.quit)
                .await;
            match applied {
                Ok(_) => return Ok(()),
                Err(StepEnd::LostOwnership) => {}
                Err(end) => return Err(end),
            }
            self.session
                .resynchronise(&mut self.cursor, &self.quit)
                .await?;
            if planted(Bug::RetryWholeBatch) {
                to.position = to.position.max(self.cursor.position().next());
                continue;
            }
            // The record may stand before what was taken in without saying so.
            self.session
                .fill(&mut self.cursor, &before, &self.quit)
                .await?;
            if self.cursor.position() >= to.position {
                return Ok(());
            }
            let position = self.cursor.position();
            window.retain(|event| event.position > position);
        }
    }

    /// A record is sealed before it is published: one above the end of the ledger is of
    /// another ledger.
    async fn check_head(
        &self,
        position: Position,
        identity: impl Fn() -> Identity,
    ) -> Result<(), StepEnd> {
        if position <= self.session.known_head() {
            return Ok(());
        }
        let session = &self.session;
        let head = patiently(session.name(), &self.quit, || session.look_at_head());
        let head = head.await?.ok_or(StepEnd::Quit)?;
        if position <= head {
            return Ok(());
        }
        let whose = self.cursor.reader.to_string();
        Err(session.beyond(whose, identity(), head).into())
    }
}
