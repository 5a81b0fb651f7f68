//! What a relay finds out before it publishes: the topics, and how far each
//! partition has come.

use std::collections::{BTreeSet, HashMap};

use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::{CatalogueEntry, Mark, Store, Tail, TopicRecord};
use dragoman_stream::{
    KafkaOptions, PartitionTail, SizeLimits, StartFrom, TopicPartition, TopicState, Topics,
    WantedTopic, read_tails,
};

use crate::RelayError;
use crate::lanes::{FoundPartition, FoundTopic, Lanes};
use crate::telemetry;

/// What was found.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) lanes: Lanes,
    pub(crate) limits: SizeLimits,
}

impl Recovered {
    /// The last event that each partition holds, to be compared with the ledger.
    pub(crate) fn tails(&self) -> Vec<Tail> {
        tails_of(&self.lanes)
    }
}

/// The last event known to be in each partition.
pub(crate) fn tails_of(lanes: &Lanes) -> Vec<Tail> {
    lanes
        .iter()
        .filter_map(|lane| {
            Some(Tail {
                whose: format!("partition {} of topic {}", lane.partition, lane.topic),
                identity: lane.tail()?.clone(),
            })
        })
        .collect()
}

/// Makes and checks the topics of the catalogue, then reads each partition from its
/// mark to its end.
///
/// # Errors
/// Halts when a topic's partition count is not the recorded one; the rest may be
/// Postgres or Kafka away.
pub(crate) async fn recover(store: &Store, kafka: &KafkaOptions) -> Result<Recovered, RelayError> {
    let catalogue = store.catalogue().await.map_err(RelayError::store)?;
    let topics = check_topics(store, kafka, &catalogue).await?;
    let marks = store.marks().await.map_err(RelayError::store)?;
    let mut marks: HashMap<(String, i32), Mark> = marks
        .into_iter()
        .map(|mark| ((mark.topic.clone(), mark.partition), mark))
        .collect();
    let from = topics
        .iter()
        .flat_map(|topic| {
            (0..topic.partitions).map(|partition| StartFrom {
                partition: TopicPartition::new(&topic.topic, partition),
                offset: marks
                    .get(&(topic.topic.clone(), partition))
                    .map(|mark| mark.kafka_offset),
            })
        })
        .collect();
    let mut tails = read_tails(kafka, from).await.map_err(RelayError::stream)?;
    if planted(Bug::RecoveryWithoutTails) {
        tails.iter_mut().for_each(|tail| tail.maximum = None);
    }
    if planted(Bug::MaximumPerTopic) {
        let maximum = tails.iter().filter_map(|tail| tail.maximum.clone());
        let maximum = maximum.max_by_key(|record| record.identity.position);
        tails
            .iter_mut()
            .for_each(|tail| tail.maximum.clone_from(&maximum));
    }
    crash(CrashPoint::RelayAfterRecovery);
    let mut tails: HashMap<TopicPartition, PartitionTail> = tails
        .into_iter()
        .map(|tail| (tail.partition.clone(), tail))
        .collect();
    let limits = limits(&topics);
    let found = topics
        .into_iter()
        .map(|topic| FoundTopic {
            partitions: (0..topic.partitions)
                .map(|number| {
                    let partition = TopicPartition::new(&topic.topic, number);
                    let marked = marks.remove(&(topic.topic.clone(), number));
                    let tail = tails.remove(&partition);
                    found_partition(partition, marked, tail)
                })
                .collect(),
            topic: topic.topic,
        })
        .collect();
    let types = catalogue
        .into_iter()
        .map(|entry| (entry.event_type, entry.topic));
    Ok(Recovered {
        lanes: Lanes::new(found, types),
        limits,
    })
}

async fn check_topics(
    store: &Store,
    kafka: &KafkaOptions,
    catalogue: &[CatalogueEntry],
) -> Result<Vec<TopicState>, RelayError> {
    let recorded: HashMap<String, TopicRecord> = store
        .topics()
        .await
        .map_err(RelayError::store)?
        .into_iter()
        .map(|record| (record.topic.clone(), record))
        .collect();
    let names: BTreeSet<&String> = catalogue.iter().map(|entry| &entry.topic).collect();
    let wanted: Vec<WantedTopic> = names
        .into_iter()
        .map(|topic| WantedTopic {
            topic: topic.clone(),
            partitions: recorded.get(topic).and_then(|record| record.partitions),
        })
        .collect();
    let states = Topics::connect(kafka)
        .map_err(RelayError::stream)?
        .ensure(&wanted)
        .await
        .map_err(RelayError::stream)?;
    for state in &states {
        if state.created {
            tracing::info!(topic = %state.topic, partitions = state.partitions, "topic created");
        }
        check_count(state, recorded.get(&state.topic))?;
        let record = store
            .record_topic(&state.topic, state.partitions, state.max_message_bytes)
            .await
            .map_err(RelayError::store)?;
        check_count(state, Some(&record))?;
    }
    Ok(states)
}

fn check_count(state: &TopicState, record: Option<&TopicRecord>) -> Result<(), RelayError> {
    match record.and_then(|record| record.partitions) {
        Some(recorded) if recorded != state.partitions => Err(RelayError::PartitionsChanged {
            topic: state.topic.clone(),
            recorded,
            found: state.partitions,
        }),
        Some(_) | None => Ok(()),
    }
}

fn limits(topics: &[TopicState]) -> SizeLimits {
    let bytes = || topics.iter().map(|topic| topic.max_message_bytes);
    SizeLimits {
        smallest_topic: bytes().min().unwrap_or(1_000_000),
        largest_topic: bytes().max().unwrap_or(1_000_000),
    }
}

fn found_partition(
    partition: TopicPartition,
    marked: Option<Mark>,
    tail: Option<PartitionTail>,
) -> FoundPartition {
    if let (Some(mark), Some(tail)) = (&marked, &tail)
        && tail.end <= mark.kafka_offset
    {
        telemetry::lost_tail();
        tracing::error!(
            %partition,
            end_offset = tail.end,
            marked_offset = mark.kafka_offset,
            marked_position = %mark.position,
            "Kafka lost records that it had acknowledged; what follows goes on behind the mark, and projections fill the gap from the log"
        );
    }
    FoundPartition {
        partition: partition.partition,
        marked,
        maximum: tail
            .and_then(|tail| tail.maximum)
            .map(|record| (record.identity, record.offset)),
    }
}
