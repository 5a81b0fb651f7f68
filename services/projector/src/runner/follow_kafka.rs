//! Reading the topics of a projection as a member of its group.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_faults::{CrashPoint, crash};
use dragoman_store::{StoreError, TopicRecord};
use dragoman_stream::{
    Assignment, Claim, Consumer, ConsumerEvent, ConsumerOptions, KafkaOptions, PartitionReader,
    Revocation, StartFrom, TopicPartition,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorError;
use super::beginning::{Beginners, Beginning};
use super::cursor::Cursor;
use super::drain::Drainer;
use super::halt::clear_halt;
use super::lane::Lane;
use super::lost::Lost;
use super::patience::{Quit, patiently};
use super::session::{Session, StepEnd};
use super::silence::Silence;
use super::watch::Marks;
use crate::{Opened, Reader, telemetry};

/// How often the catalogue and the topics are looked at while they are not there yet.
const NOT_YET: Duration = Duration::from_millis(500);

/// Keeps a lane for each partition that the group gives, until the session is over. Every
/// lane has ended when this returns.
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

struct Follower<'a> {
    session: &'a Arc<Session>,
    kafka: &'a KafkaOptions,
    marks: &'a watch::Receiver<Marks>,
    quit: Quit,
    /// Readings of the log for lanes that begin.
    readings: Vec<AbortOnDropHandle<()>>,
    lanes: HashMap<TopicPartition, AbortOnDropHandle<()>>,
    lost: Lost,
}

impl Follower<'_> {
    async fn follow(&mut self) -> Result<(), StepEnd> {
        self.wait_for_catalogue().await?;
        let session = self.session;
        let options = ConsumerOptions::new(
            format!("dragoman.{}.g{}", session.name(), session.generation.number),
            self.topics().into_iter().collect(),
        );
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
            let handled = match event {
                Ok(event) => self.handle(event).await,
                Err(error) => Err(StepEnd::Halted(refused()(error))),
            };
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
        let (mut starts, mut begun) = (Vec::new(), Vec::new());
        let mut beginners = Beginners::until(head);
        for claim in assignment.claims() {
            self.end_lane(&claim.partition).await;
            let partitions = counts.get(&*claim.partition.topic).copied().unwrap_or(0);
            let cursor = self.cursor(&claim.partition, partitions, &opened)?;
            let mark = marks.iter().find(|mark| {
                mark.topic == *claim.partition.topic && mark.partition == claim.partition.partition
            });
            let anchor = mark.map_or(0, |mark| mark.kafka_offset + 1);
            let (start, lane) = begin(cursor, claim, anchor, &mut beginners);
            starts.push(start);
            begun.push(lane);
        }
        self.lost.forget();
        self.readings.retain(|reading| !reading.is_finished());
        self.readings.extend(beginners.start(self.session));
        tracing::info!(
            projection = self.session.name(),
            partitions = starts.len(),
            "partitions were assigned"
        );
        // Readers come in the order of the claims.
        for (lane, records) in begun.into_iter().zip(assignment.start(starts)) {
            self.start_lane(lane, records);
        }
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

    fn start_lane(&mut self, begun: Begun, records: PartitionReader) {
        let partition = records.partition().clone();
        let lane = Lane {
            session: Arc::clone(self.session),
            kafka: self.kafka.clone(),
            quit: self.session.quit(begun.revoked),
            cursor: begun.cursor,
            beginning: begun.beginning,
            next_offset: begun.offset,
            records,
            marks: self.marks.clone(),
            heard: Instant::now(),
            silence: Silence::since(Instant::now()),
            window: Vec::new(),
            ahead: None,
            drainer: Drainer::default(),
        };
        let task = tokio::spawn(watched(Arc::clone(self.session), lane));
        self.lanes.insert(partition, AbortOnDropHandle::new(task));
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
            let _ended = lane.await;
        }
    }

    async fn end_lanes(&mut self) {
        for (_, lane) in self.lanes.drain() {
            let _ended = lane.await;
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

/// A lane whose partition is not read yet.
struct Begun {
    cursor: Cursor,
    beginning: Option<Beginning>,
    /// The offset from which it reads.
    offset: i64,
    revoked: CancellationToken,
}

/// Says from where the lane of a partition reads. A reader that has no anchor in Kafka yet
/// is brought to the end of the ledger by the log first, because what Kafka holds of it
/// need not be all (a type that came from another topic, a retention that ended), and goes
/// on in Kafka behind the relay's mark, which is `anchor`.
fn begin(
    cursor: Cursor,
    claim: &Claim,
    anchor: i64,
    beginners: &mut Beginners,
) -> (StartFrom, Begun) {
    let anchored = cursor.reached().next_offset;
    let beginning = anchored.is_none().then(|| beginners.join(&cursor, anchor));
    let offset = anchored.unwrap_or(anchor);
    let start = StartFrom {
        partition: claim.partition.clone(),
        offset: Some(offset),
    };
    let begun = Begun {
        cursor,
        beginning,
        offset,
        revoked: claim.revoked.clone(),
    };
    (start, begun)
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
