//! The thread that polls librdkafka for a [`Consumer`](super::Consumer).

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::context::{Decision, GroupContext, assign, unassign};
use super::event::offset_of;
use super::reader::{PartitionReader, passing};
use super::{Assignment, Claim, ConsumerEvent, ConsumerOptions, Revocation};
use crate::client::{apply_properties, base};
use crate::{KafkaOptions, StreamError, TopicPartition};

/// How long one poll waits for something to happen.
const POLL: Duration = Duration::from_millis(100);
/// How long the owner may be slow before polling goes on meanwhile.
const STALL: Duration = Duration::from_millis(200);
/// How often the thread looks whether all readers are gone.
const PARTING: Duration = Duration::from_millis(10);

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
        // While Kafka waits for records of some partitions, it is not asked for those of one
        // whose queue was full a moment ago.
        .set("fetch.wait.max.ms", "100")
        // Of each partition, which has a queue of its own: a few thousand records, so that
        // its reader finds some whenever it comes back. Larger stretches at once spare the
        // broker work: at 64 KiB it had twice as much.
        .set("max.partition.fetch.bytes", "1048576")
        .set("queued.max.messages.kbytes", "4096")
        // The bytes are those of payloads alone: of small ones a hundred thousand, which is
        // the default, would take many times as much.
        .set("queued.min.messages", "8000")
        // Once that much is queued the client stops asking for this long, a second by
        // default, in which a quick reader has read it all.
        .set("fetch.queue.backoff.ms", "2");
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
        consumer: Arc::new(consumer),
        options,
        events,
        closing,
        runtime: Handle::current(),
        claims: HashMap::new(),
        decision: None,
    };
    thread::Builder::new()
        .name("kafka-consumer".to_owned())
        .spawn(move || poll.run())
        .map_err(|error| StreamError::Fatal {
            reason: format!("its thread could not be started: {error}"),
        })
}

struct PollThread {
    consumer: Arc<BaseConsumer<GroupContext>>,
    options: ConsumerOptions,
    events: Events,
    closing: CancellationToken,
    runtime: Handle,
    /// The partitions that are being read, and how their claims are cancelled.
    claims: HashMap<TopicPartition, CancellationToken>,
    /// A decision of the group whose claims are cancelled already, if it takes
    /// partitions away.
    decision: Option<Decision>,
}

impl PollThread {
    fn run(mut self) {
        let stop = loop {
            if let Err(stop) = self.step() {
                break stop;
            }
        };
        self.closing.cancel();
        for (_, claim) in self.claims.drain() {
            claim.cancel();
        }
        if let Stop::Failed(error) = stop {
            let _nobody_listens = self.events.blocking_send(Err(error));
        }
        // An assignment that nobody takes any more goes with the channel.
        drop(self.events);
        // Whoever lets the client go last waits until it has left the group, and a reader
        // is dropped where nothing may wait.
        while Arc::strong_count(&self.consumer) > 1 {
            let _leaving = self.consumer.poll(PARTING);
        }
    }

    /// One round: look what is there, and carry out what the group decided.
    fn step(&mut self) -> Result<(), Stop> {
        if self.closing.is_cancelled() {
            return Err(Stop::Closed);
        }
        self.poll(POLL)?;
        self.notice_decision();
        match self.decision.take() {
            Some(decision) => self.carry_out(decision),
            None => Ok(()),
        }
    }

    /// Lets the client work on what is not of a partition: its callbacks, the group.
    /// Whether there was something.
    fn poll(&self, wait: Duration) -> Result<bool, Stop> {
        let Some(polled) = self.consumer.poll(wait) else {
            return Ok(false);
        };
        match polled {
            Err(error) => passing(error, "following the group").map_err(Stop::Failed)?,
            // Its reader finds that it is missing, and its owner reads it in the log.
            Ok(message) => tracing::warn!(
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                "the client handed a record to nobody's queue; it is taken from the log"
            ),
        }
        Ok(true)
    }

    /// Takes a decision of the group in. The claims of what it takes away are cancelled
    /// here and now.
    fn notice_decision(&mut self) {
        if self.decision.is_some() {
            return;
        }
        self.decision = self.consumer.context().next_decision();
        let revoked = match &self.decision {
            Some(Decision::Revoke { list, .. }) => partitions_of(list),
            Some(Decision::Assign(_)) | None => Vec::new(),
        };
        for partition in revoked {
            self.end_claim(&partition);
        }
    }

    fn end_claim(&mut self, partition: &TopicPartition) {
        if let Some(claim) = self.claims.remove(partition) {
            claim.cancel();
        }
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
            .into_iter()
            .map(|partition| Claim {
                partition,
                revoked: CancellationToken::new(),
            })
            .collect();
        let starts = if claims.is_empty() {
            Vec::new()
        } else {
            for claim in &claims {
                self.end_claim(&claim.partition);
            }
            // Before reading begins: from then on records go where the queue is.
            let readers = claims.iter().map(|claim| {
                PartitionReader::split_from(&self.consumer, &claim.partition).ok_or_else(|| {
                    Stop::Failed(StreamError::Fatal {
                        reason: format!("there is no queue for {}", claim.partition),
                    })
                })
            });
            let readers = readers.collect::<Result<_, _>>()?;
            let (answer, answered) = oneshot::channel();
            self.send(ConsumerEvent::Assigned(Assignment {
                claims: claims.clone(),
                readers,
                answer,
            }))?;
            // Who drops an assignment without an answer is leaving, and its readers with it.
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
            self.claims.insert(claim.partition, claim.revoked);
        }
        assign(&self.consumer, &list)
            .map_err(StreamError::call("start reading partitions"))
            .map_err(Stop::Failed)
    }

    fn revoke(&mut self, list: &TopicPartitionList, lost: bool) -> Result<(), Stop> {
        let partitions: Vec<TopicPartition> = partitions_of(list);
        for partition in &partitions {
            // Those too that were started after the decision was noticed.
            self.end_claim(partition);
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

    /// Waits for the owner. If that takes long, the group is kept informed meanwhile. `None` when the patience ended.
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
            while self.poll(Duration::ZERO)? {}
            self.notice_decision();
        }
    }
}

fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = list.elements();
    let elements = elements.iter();
    elements
        .map(|element| TopicPartition::new(element.topic(), element.partition()))
        .collect()
}
