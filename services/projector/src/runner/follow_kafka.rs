//! Reading the topics of a projection as a member of its group.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use dragoman_faults::{CrashPoint, crash};
use dragoman_store::{StoreError, TopicRecord};
use dragoman_stream::{
    Assignment, Claim, Consumer, ConsumerEvent, ConsumerOptions, KafkaOptions, Revocation,
    StartFrom, TopicPartition,
};
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorError;
use super::beginning::Beginners;
use super::cursor::Cursor;
use super::drain::Drainer;
use super::halt::clear_halt;
use super::lane::{Lane, Told};
use super::lost::Lost;
use super::patience::{Quit, patiently};
use super::room::Room;
use super::session::{Session, StepEnd};
use super::silence::Silence;
use super::watch::Marks;
use crate::{Opened, Reader, telemetry};

/// How many batches of records may wait for a lane; what they may take is bounded by the
/// [`Room`].
const WAITING: usize = 64;
/// How often the catalogue and the topics are looked at while they are not there yet.
const NOT_YET: Duration = Duration::from_millis(500);

/// Hands what the group's consumer says to a lane for each partition, until the
/// session is over. Every lane has ended when this returns.
pub(super) async fn follow_kafka(
    session: &Arc<Session>,
    kafka: &KafkaOptions,
    marks: &watch::Receiver<Marks>,
) {
    let mut follower = Follower {
        session,
        kafka,
        marks,
        quit: Quit::with(&session.over),
        room: Room::new(),
        readings: Vec::new(),
        lanes: HashMap::new(),
        lost: Lost::default(),
    };
    if let Err(end) = follower.follow().await {
        session.end_for(end);
    }
    session.over.cancel();
    follower.end_lanes().await;
}

/// A lane as it is seen from outside.
struct Running {
    told: mpsc::Sender<Told>,
    task: AbortOnDropHandle<()>,
}

struct Follower<'a> {
    session: &'a Arc<Session>,
    kafka: &'a KafkaOptions,
    marks: &'a watch::Receiver<Marks>,
    quit: Quit,
    room: Room,
    /// Readings of the log for lanes that begin.
    readings: Vec<AbortOnDropHandle<()>>,
    lanes: HashMap<TopicPartition, Running>,
    lost: Lost,
}

impl Follower<'_> {
    async fn follow(&mut self) -> Result<(), StepEnd> {
        self.wait_for_catalogue().await?;
        let session = self.session;
        let mut options = ConsumerOptions::new(
            format!("dragoman.{}.g{}", session.name(), session.generation.number),
            self.topics().into_iter().collect(),
        );
        options.batch = options.batch.min(session.options.batch_limit.max(1));
        let refused = || ProjectorError::stream(session.name());
        let mut consumer = Consumer::join(self.kafka, options).map_err(refused())?;
        clear_halt(&session.store, session.name()).await;
        let ended = loop {
            let event = tokio::select! {
                biased;
                () = self.quit.cancelled() => break Err(StepEnd::Quit),
                event = consumer.next() => event,
                () = self.lost.left_alone(session.name(), self.kafka) => break Err(StepEnd::ReaderStalled),
            };
            session.handing_over.store(true, Ordering::Relaxed);
            let handled = match event {
                Ok(event) => self.handle(event).await,
                Err(error) => Err(StepEnd::Halted(refused()(error))),
            };
            session.handing_over.store(false, Ordering::Relaxed);
            if let Err(end) = handled {
                break Err(end);
            }
        };
        session.over.cancel();
        self.end_lanes().await;
        consumer.close().await;
        ended
    }

    async fn handle(&mut self, event: ConsumerEvent) -> Result<(), StepEnd> {
        match event {
            ConsumerEvent::Assigned(assignment) => self.assign(assignment).await,
            ConsumerEvent::Revoked(revocation) => {
                self.revoke(revocation).await;
                Ok(())
            }
            ConsumerEvent::Records { partition, records } => {
                crash(CrashPoint::ProjectionAfterPoll);
                let room = tokio::select! {
                    biased;
                    () = self.quit.cancelled() => return Err(StepEnd::Quit),
                    room = self.room.for_records(&records) => room,
                };
                self.tell(&partition, Told::Records { records, room }).await
            }
            ConsumerEvent::Foreign(foreign) => {
                tracing::warn!(
                    projection = self.session.name(), partition = %foreign.partition,
                    offset = foreign.offset, reason = %foreign.reason,
                    "a record that no relay wrote is passed over"
                );
                let told = Told::Foreign(foreign.offset);
                self.tell(&foreign.partition, told).await
            }
            ConsumerEvent::Jumped {
                partition,
                expected,
                found,
            } => {
                tracing::info!(
                    projection = self.session.name(), %partition, expected, found,
                    "a partition does not go on where it should have"
                );
                Ok(())
            }
        }
    }

    /// Hands something to a lane, and waits while that is busy. A lane that has ended
    /// wants no more.
    async fn tell(&mut self, partition: &TopicPartition, told: Told) -> Result<(), StepEnd> {
        let Some(lane) = self.lanes.get(partition) else {
            return Ok(());
        };
        tokio::select! {
            biased;
            () = self.quit.cancelled() => Err(StepEnd::Quit),
            _ended = lane.told.send(told) => Ok(()),
        }
    }

    async fn assign(&mut self, assignment: Assignment) -> Result<(), StepEnd> {
        // Marks before the end of the ledger: what is marked is sealed.
        let marks = self.ask_store(|| self.session.store.marks()).await?;
        let head = patiently(self.session.name(), &self.quit, || {
            self.session.look_at_head()
        });
        let head = head.await?.ok_or(StepEnd::Quit)?;
        let counts = self.partition_counts(assignment.claims()).await?;
        let opened = self.session.look(&self.quit).await?;
        let mut starts = Vec::new();
        let mut beginners = Beginners::until(head);
        for claim in assignment.claims() {
            self.end_lane(&claim.partition).await;
            let partitions = counts.get(&*claim.partition.topic).copied().unwrap_or(0);
            let cursor = self.cursor(&claim.partition, partitions, &opened)?;
            let mark = marks.iter().find(|mark| {
                mark.topic == *claim.partition.topic && mark.partition == claim.partition.partition
            });
            let anchor = mark.map_or(0, |mark| mark.kafka_offset + 1);
            starts.push(self.start_lane(claim, cursor, anchor, &mut beginners));
        }
        self.lost.forget();
        self.readings.retain(|reading| !reading.is_finished());
        self.readings.extend(beginners.start(self.session));
        tracing::info!(
            projection = self.session.name(),
            partitions = starts.len(),
            "partitions were assigned"
        );
        assignment.start(starts);
        telemetry::partitions(self.session.name(), self.lanes.len());
        Ok(())
    }

    /// The reader of a partition, by the owner records.
    fn cursor(
        &self,
        partition: &TopicPartition,
        partitions: i32,
        opened: &Opened,
    ) -> Result<Cursor, ProjectorError> {
        if partition.partition >= partitions {
            return Err(ProjectorError::PartitionsChanged {
                projection: self.session.name().to_owned(),
                topic: partition.topic.to_string(),
                partition: partition.partition,
                recorded: partitions,
            });
        }
        let reader = Reader::Partition {
            topic: partition.topic.to_string(),
            partition: partition.partition,
            partitions,
        };
        let types: BTreeSet<String> = self
            .session
            .definition
            .events
            .iter()
            .filter(|(_, topic)| **topic == *partition.topic)
            .map(|(event_type, _)| event_type.clone())
            .collect();
        Ok(Cursor::new(
            reader,
            types,
            &opened.generation,
            &opened.checkpoints,
        ))
    }

    /// Starts the lane of a partition and says from where to read it. A reader that has
    /// no anchor in Kafka is brought to the end of the ledger by the log first, because
    /// what Kafka holds of it need not be all (a type that came from another topic, a
    /// retention that ended), and goes on in Kafka behind the relay's mark.
    fn start_lane(
        &mut self,
        claim: &Claim,
        cursor: Cursor,
        anchor: i64,
        beginners: &mut Beginners,
    ) -> StartFrom {
        let anchored = cursor.reached().next_offset;
        let beginning = anchored.is_none().then(|| beginners.join(&cursor, anchor));
        let offset = anchored.unwrap_or(anchor);
        let (sender, told) = mpsc::channel(WAITING);
        let lane = Lane {
            session: Arc::clone(self.session),
            kafka: self.kafka.clone(),
            partition: claim.partition.clone(),
            cursor,
            beginning,
            quit: self.session.quit(claim.revoked.clone()),
            told,
            marks: self.marks.clone(),
            next_offset: offset,
            heard: Instant::now(),
            silence: Silence::since(Instant::now()),
            window: Vec::new(),
            ahead: None,
            drainer: Drainer::default(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(watched(Arc::clone(self.session), lane)));
        let running = Running { told: sender, task };
        self.lanes.insert(claim.partition.clone(), running);
        StartFrom {
            partition: claim.partition.clone(),
            offset: Some(offset),
        }
    }

    async fn revoke(&mut self, revocation: Revocation) {
        crash(CrashPoint::ProjectionOnRevoke);
        for partition in revocation.partitions() {
            self.end_lane(partition).await;
        }
        self.lost.take_note(&revocation);
        tracing::info!(
            projection = self.session.name(),
            partitions = revocation.partitions().len(),
            lost = revocation.is_lost(),
            "partitions were taken away"
        );
        revocation.done();
        telemetry::partitions(self.session.name(), self.lanes.len());
    }

    /// Waits until the lane has finished its step in hand. Its claim is cancelled.
    async fn end_lane(&mut self, partition: &TopicPartition) {
        if let Some(lane) = self.lanes.remove(partition) {
            drop(lane.told);
            let _ended = lane.task.await;
        }
    }

    async fn end_lanes(&mut self) {
        for (_, lane) in self.lanes.drain() {
            drop(lane.told);
            let _ended = lane.task.await;
        }
    }

    fn topics(&self) -> BTreeSet<String> {
        self.session.definition.events.values().cloned().collect()
    }

    /// Waits until the catalogue publishes the types where the definition reads them:
    /// a relay of an older configuration would write them elsewhere.
    async fn wait_for_catalogue(&self) -> Result<(), StepEnd> {
        let events = &self.session.definition.events;
        let mut said = false;
        loop {
            let entries = self.ask_store(|| self.session.store.catalogue()).await?;
            let astray = events.iter().find(|(event_type, topic)| {
                !entries
                    .iter()
                    .any(|entry| entry.event_type == **event_type && entry.topic == **topic)
            });
            let Some((event_type, topic)) = astray else {
                return Ok(());
            };
            if !std::mem::replace(&mut said, true) {
                tracing::warn!(
                    projection = self.session.name(),
                    event_type,
                    topic,
                    "the catalogue does not publish this type to this topic yet; waiting for a relay with this configuration"
                );
            }
            if !self.quit.rest(NOT_YET).await {
                return Err(StepEnd::Quit);
            }
        }
    }

    /// How many partitions the topics have, as the relay recorded them. A topic that
    /// was made a moment ago is recorded in a moment.
    async fn partition_counts(&self, claims: &[Claim]) -> Result<HashMap<String, i32>, StepEnd> {
        loop {
            let topics: Vec<TopicRecord> = self.ask_store(|| self.session.store.topics()).await?;
            let counts: HashMap<String, i32> = topics
                .into_iter()
                .filter_map(|topic| Some((topic.topic, topic.partitions?)))
                .collect();
            let known = |claim: &Claim| counts.contains_key(&*claim.partition.topic);
            if claims.iter().all(known) {
                return Ok(counts);
            }
            if !self.quit.rest(NOT_YET).await {
                return Err(StepEnd::Quit);
            }
        }
    }

    async fn ask_store<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StepEnd>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let name = self.session.name();
        let answered = patiently(name, &self.quit, || async {
            ask().await.map_err(ProjectorError::store(name))
        });
        answered.await?.ok_or(StepEnd::Quit)
    }
}

/// Runs a lane, and ends the session when it ended for more than its own sake; also
/// when it panicked.
async fn watched(session: Arc<Session>, lane: Lane) {
    let guard = Guard(Some(&session));
    let end = lane.run().await;
    guard.disarm();
    session.end_for(end);
}

/// Ends the session when it is dropped armed.
struct Guard<'a>(Option<&'a Session>);

impl Guard<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.0 {
            session.end(Err(ProjectorError::TaskLost {
                projection: session.name().to_owned(),
            }));
        }
    }
}
