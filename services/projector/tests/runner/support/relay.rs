use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use dragoman_core::{Position, RecordedEvent, partition_for};
use dragoman_store::{Lease, LedgerTip, Mark, SealOutcome, Store};
use dragoman_stream::{Outgoing, Producer, Sent, SizeLimits, Topics, WantedTopic};

use super::World;

/// Seals and publishes when it is told to, and loses what it is told to lose.
pub(crate) struct Relay {
    store: Store,
    lease: Lease,
    tip: LedgerTip,
    producer: Producer,
    partitions: i32,
    topics: BTreeMap<String, String>,
    /// The last record of each partition, lost or not, with its offset.
    last: HashMap<(String, i32), (RecordedEvent, i64)>,
}

impl Relay {
    pub(crate) async fn start(world: &World, partitions: i32) -> Self {
        let store = world.store.clone();
        let kafka = world.kafka();
        let wanted: Vec<WantedTopic> = [&world.orders, &world.stock]
            .map(|topic| WantedTopic {
                topic: topic.clone(),
                partitions: Some(partitions),
            })
            .to_vec();
        let topics = Topics::connect(&kafka).unwrap();
        for topic in topics.ensure(&wanted).await.unwrap() {
            store
                .record_topic(&topic.topic, topic.partitions, topic.max_message_bytes)
                .await
                .unwrap();
        }
        let lease = store
            .acquire_lease("relay", "test", Duration::from_secs(600))
            .await
            .unwrap()
            .unwrap();
        let limits = SizeLimits {
            smallest_topic: 1_048_588,
            largest_topic: 1_048_588,
        };
        let catalogue = store.catalogue().await.unwrap();
        Self {
            tip: store.ledger_tip().await.unwrap(),
            producer: Producer::connect(&kafka, limits).unwrap(),
            lease,
            partitions,
            topics: catalogue
                .into_iter()
                .map(|entry| (entry.event_type, entry.topic))
                .collect(),
            last: HashMap::new(),
            store,
        }
    }

    /// Seals everything that is stored.
    pub(crate) async fn seal(&mut self) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        loop {
            match self
                .store
                .seal(&self.lease, 1_000, &self.tip)
                .await
                .unwrap()
            {
                SealOutcome::Idle => return events,
                SealOutcome::Sealed(batch) => {
                    self.tip = batch.tip;
                    events.extend(batch.events);
                }
            }
        }
    }

    /// Seals, publishes and marks everything that is stored.
    pub(crate) async fn flow(&mut self) {
        let events = self.seal().await;
        self.publish(&events, |_| true).await;
        self.mark().await;
    }

    /// Publishes events; those that are not kept are as good as lost by Kafka.
    pub(crate) async fn publish(
        &mut self,
        events: &[RecordedEvent],
        keep: impl Fn(&RecordedEvent) -> bool,
    ) {
        let mut awaited = HashSet::new();
        for event in events {
            let topic = self.topics[&event.event.event_type].clone();
            let partition = partition_for(event.event.subject_hash(), self.partitions);
            let lane = (topic.clone(), partition);
            let previous = self.last.get(&lane).map(|(last, _)| last.position);
            let offset = self.last.get(&lane).map_or(0, |(_, offset)| *offset);
            if keep(event) {
                self.send(&topic, partition, previous, event);
                awaited.insert(event.position);
            }
            self.last.insert(lane, (event.clone(), offset));
        }
        self.acknowledged(awaited).await;
    }

    /// Publishes events once more, as a relay that was frozen does.
    pub(crate) async fn repeat(&mut self, events: &[RecordedEvent]) {
        let mut previous: HashMap<(String, i32), Position> = HashMap::new();
        let mut awaited = HashSet::new();
        for event in events {
            let topic = self.topics[&event.event.event_type].clone();
            let partition = partition_for(event.event.subject_hash(), self.partitions);
            let before = previous.insert((topic.clone(), partition), event.position);
            self.send(&topic, partition, before, event);
            awaited.insert(event.position);
        }
        self.acknowledged(awaited).await;
    }

    /// Marks how far each partition should reach.
    pub(crate) async fn mark(&self) {
        let marks: Vec<Mark> = self
            .last
            .iter()
            .map(|((topic, partition), (last, offset))| Mark {
                topic: topic.clone(),
                partition: *partition,
                position: last.position,
                kafka_offset: *offset,
                source: last.event.source.clone(),
                id: last.event.id.clone(),
            })
            .collect();
        let through = Position(self.tip.next_position.0 - 1);
        self.store
            .write_marks(&self.lease, &marks, through)
            .await
            .unwrap();
    }

    /// Publishes a type to another topic from now on.
    pub(crate) async fn move_type(&mut self, world: &World, event_type: &str, topic: &str) {
        self.topics.insert(event_type.to_owned(), topic.to_owned());
        let types: Vec<(&str, &str)> = self
            .topics
            .iter()
            .map(|(event_type, topic)| (event_type.as_str(), topic.as_str()))
            .collect();
        world.catalogue(&types).await;
    }

    /// Takes the ledger as it finds it.
    pub(crate) async fn look_again(&mut self) {
        self.tip = self.store.ledger_tip().await.unwrap();
    }

    fn send(
        &self,
        topic: &str,
        partition: i32,
        previous: Option<Position>,
        recorded: &RecordedEvent,
    ) {
        let outgoing = Outgoing {
            topic,
            partition,
            previous,
            recorded,
        };
        assert_eq!(self.producer.send(outgoing).unwrap(), Sent::Queued);
    }

    async fn acknowledged(&mut self, mut awaited: HashSet<Position>) {
        while !awaited.is_empty() {
            tokio::time::timeout(Duration::from_secs(30), self.producer.progress())
                .await
                .expect("Kafka acknowledges within 30 seconds");
            for delivery in self.producer.take_deliveries().unwrap() {
                awaited.remove(&delivery.position);
                for (last, offset) in self.last.values_mut() {
                    if last.position == delivery.position {
                        *offset = delivery.offset;
                    }
                }
            }
        }
    }
}
