//! The thread that polls librdkafka for a [`Consumer`](super::Consumer).

use std::collections::VecDeque;
use std::future::Future;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::context::{Decision, GroupContext, assign, unassign};
use super::intake::{is_about, take};
use super::lanes::Lanes;
use super::{Assignment, Claim, ConsumerEvent, ConsumerOptions, Revocation, StartFrom};
use crate::client::{apply_properties, base, complain};
use crate::{KafkaOptions, StreamError, TopicPartition};

/// How long one poll waits for something to happen.
const POLL: Duration = Duration::from_millis(100);
/// How long the owner may be slow before partitions are paused and polling goes on.
const STALL: Duration = Duration::from_millis(200);

type Events = mpsc::Sender<Result<ConsumerEvent, StreamError>>;

/// Why the thread ends.
enum Stop {
    /// Nobody takes the events any more.
    Closed,
    /// The client gave up.
    Failed(StreamError),
}

pub(super) fn start(
    kafka: &KafkaOptions,
    options: ConsumerOptions,
    events: Events,
    closing: CancellationToken,
) -> Result<JoinHandle<()>, StreamError> {
    let mut config = base(kafka)?;
    config
        .set("group.id", &options.group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_uncommitted")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "1500")
        // How long an answer is waited for, a minute by default: a network can forget a
        // connection without closing it.
        .set("socket.timeout.ms", "10000")
        .set("fetch.wait.max.ms", "200")
        // Stretches of one partition no longer than what its reader takes at once or
        // twice: the readers of the others are not to wait meanwhile.
        .set("max.partition.fetch.bytes", "65536")
        .set("queued.max.messages.kbytes", "8192")
        // Once that much is queued the client stops asking for this long, a second by
        // default, in which a quick reader has read it all.
        .set("fetch.queue.backoff.ms", "10");
    apply_properties(&mut config, kafka);
    let consumer: BaseConsumer<GroupContext> = config
        .create_with_context(GroupContext::new(closing.clone()))
        .map_err(|source| StreamError::Settings {
            source: source.into(),
        })?;
    let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
    consumer
        .subscribe(&topics)
        .map_err(StreamError::call("subscribe to topics"))?;
    let poll = PollThread {
        consumer,
        options,
        events,
        closing,
        runtime: Handle::current(),
        lanes: Lanes::default(),
        outgoing: VecDeque::new(),
        decision: None,
        paused: false,
    };
    thread::Builder::new()
        .name("kafka-consumer".to_owned())
        .spawn(move || poll.run())
        .map_err(|error| StreamError::Fatal {
            reason: format!("its thread could not be started: {error}"),
        })
}

struct PollThread {
    consumer: BaseConsumer<GroupContext>,
    options: ConsumerOptions,
    events: Events,
    closing: CancellationToken,
    runtime: Handle,
    lanes: Lanes,
    /// To be handed over, in this order.
    outgoing: VecDeque<ConsumerEvent>,
    /// A decision of the group whose claims are cancelled already, if it takes
    /// partitions away, and which waits for its turn among the events.
    decision: Option<Decision>,
    paused: bool,
}

impl PollThread {
    fn run(mut self) {
        let stop = loop {
            if let Err(stop) = self.step() {
                break stop;
            }
        };
        self.closing.cancel();
        self.lanes.close_all();
        match stop {
            Stop::Closed => {}
            Stop::Failed(error) => {
                let _nobody_listens = self.events.blocking_send(Err(error));
            }
        }
    }

    /// One round: look what is there, hand it over, carry out what the group decided.
    fn step(&mut self) -> Result<(), Stop> {
        if self.closing.is_cancelled() {
            return Err(Stop::Closed);
        }
        self.collect(POLL)?;
        self.notice_decision();
        self.hand_over()?;
        if let Some(decision) = self.decision.take() {
            self.carry_out(decision)?;
        }
        self.resume();
        Ok(())
    }

    /// Polls until nothing is left, a batch is full or the group decided something.
    fn collect(&mut self, first_wait: Duration) -> Result<(), Stop> {
        let mut wait = first_wait;
        for _ in 0..self.options.batch.max(1) {
            let Some(polled) = self.consumer.poll(wait) else {
                break;
            };
            take(polled, &mut self.lanes, &mut self.outgoing).map_err(Stop::Failed)?;
            if self.consumer.context().has_decision() {
                break;
            }
            wait = Duration::ZERO;
        }
        for (partition, records) in self.lanes.take_collected() {
            self.outgoing
                .push_back(ConsumerEvent::Records { partition, records });
        }
        Ok(())
    }

    /// Takes a decision of the group in. What it takes away stops here and now:
    /// claims are cancelled and what was not handed over yet is dropped.
    fn notice_decision(&mut self) {
        if self.decision.is_some() {
            return;
        }
        self.decision = self.consumer.context().next_decision();
        if let Some(Decision::Revoke { list, .. }) = &self.decision {
            for partition in partitions_of(list) {
                self.lanes.close(&partition);
                self.outgoing.retain(|event| !is_about(event, &partition));
            }
        }
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        while let Some(event) = self.outgoing.pop_front() {
            self.send(event)?;
        }
        Ok(())
    }

    fn send(&mut self, event: ConsumerEvent) -> Result<(), Stop> {
        let events = self.events.clone();
        let permit = self.wait_for(None, events.reserve())?;
        match permit {
            Some(Ok(permit)) => {
                permit.send(Ok(event));
                Ok(())
            }
            Some(Err(_)) | None => Err(Stop::Closed),
        }
    }

    fn carry_out(&mut self, decision: Decision) -> Result<(), Stop> {
        match decision {
            Decision::Assign(list) => self.assign(list),
            Decision::Revoke { list, lost } => self.revoke(&list, lost),
        }
    }

    fn assign(&mut self, mut list: TopicPartitionList) -> Result<(), Stop> {
        let claims: Vec<Claim> = partitions_of(&list)
            .map(|partition| Claim {
                partition,
                revoked: CancellationToken::new(),
            })
            .collect();
        let starts = if claims.is_empty() {
            Vec::new()
        } else {
            let (answer, answered) = oneshot::channel();
            self.send(ConsumerEvent::Assigned(Assignment {
                claims: claims.clone(),
                answer,
            }))?;
            // An assignment that was dropped without an answer is read from the oldest.
            self.wait_for(None, answered)?
                .and_then(Result::ok)
                .unwrap_or_default()
        };
        for claim in claims {
            let offset = offset_of(&starts, &claim.partition);
            let place = offset.map_or(Offset::Beginning, Offset::Offset);
            let partition = &claim.partition;
            if let Err(error) =
                list.set_partition_offset(&partition.topic, partition.partition, place)
            {
                return Err(Stop::Failed(StreamError::call("set an offset")(error)));
            }
            self.lanes.open(claim.partition, offset, claim.revoked);
        }
        // The client remembers that a partition was paused, also when it was taken away
        // meanwhile and comes back, and reads nothing of it then.
        self.consumer
            .resume(&list)
            .map_err(StreamError::call("resume partitions"))
            .map_err(Stop::Failed)?;
        assign(&self.consumer, &list)
            .map_err(StreamError::call("start reading partitions"))
            .map_err(Stop::Failed)
    }

    fn revoke(&mut self, list: &TopicPartitionList, lost: bool) -> Result<(), Stop> {
        let partitions: Vec<TopicPartition> = partitions_of(list).collect();
        for partition in &partitions {
            // Those too that were started after the decision was noticed.
            self.lanes.close(partition);
        }
        if !partitions.is_empty() {
            let (answer, answered) = oneshot::channel();
            self.send(ConsumerEvent::Revoked(Revocation {
                partitions,
                lost,
                answer,
            }))?;
            if self
                .wait_for(Some(self.options.patience), answered)?
                .is_none()
            {
                tracing::warn!(
                    group = %self.options.group,
                    "partitions are let go while work on them has not stopped; the owner record decides who wins"
                );
            }
        }
        unassign(&self.consumer, list)
            .map_err(StreamError::call("stop reading partitions"))
            .map_err(Stop::Failed)
    }

    /// Waits for the owner. If that takes long, the partitions are paused and the
    /// group is kept informed meanwhile. `None` when the patience ended.
    fn wait_for<F: Future>(
        &mut self,
        patience: Option<Duration>,
        wanted: F,
    ) -> Result<Option<F::Output>, Stop> {
        let runtime = self.runtime.clone();
        let closing = self.closing.clone();
        let mut wanted = std::pin::pin!(wanted);
        let since = Instant::now();
        loop {
            let waited = runtime.block_on(async {
                tokio::select! {
                    biased;
                    output = &mut wanted => Some(output),
                    () = closing.cancelled() => None,
                    () = tokio::time::sleep(STALL) => None,
                }
            });
            if let Some(output) = waited {
                return Ok(Some(output));
            }
            if closing.is_cancelled() {
                return Err(Stop::Closed);
            }
            if patience.is_some_and(|patience| since.elapsed() >= patience) {
                return Ok(None);
            }
            self.pause();
            self.collect(Duration::ZERO)?;
            self.notice_decision();
        }
    }

    fn pause(&mut self) {
        let list = self.reading();
        match self.consumer.pause(&list) {
            Ok(()) => self.paused = true,
            Err(error) => complain(&error, "pausing while the reader is slow"),
        }
    }

    fn resume(&mut self) {
        if !self.paused {
            return;
        }
        let list = self.reading();
        match self.consumer.resume(&list) {
            Ok(()) => self.paused = false,
            Err(error) => complain(&error, "resuming"),
        }
    }

    fn reading(&self) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in self.lanes.partitions() {
            list.add_partition(&partition.topic, partition.partition);
        }
        list
    }
}

fn partitions_of(list: &TopicPartitionList) -> impl Iterator<Item = TopicPartition> {
    list.elements()
        .into_iter()
        .map(|element| TopicPartition::new(element.topic(), element.partition()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn offset_of(starts: &[StartFrom], partition: &TopicPartition) -> Option<i64> {
    starts
        .iter()
        .find(|start| start.partition == *partition)
        .and_then(|start| start.offset)
}
