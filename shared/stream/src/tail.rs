//! Reading partitions to their end, outside any group: what a relay has to know
//! before it goes on, and what a check of completeness compares with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_core::Identity;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{QuietContext, apply_properties, base, complain};
use crate::headers::decode;
use crate::{KafkaOptions, Record, StartFrom, StreamError, TopicPartition};

/// How long the broker may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long nothing may come while something should.
const STALL: Duration = Duration::from_secs(15);

/// What a partition holds from some offset to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTail {
    /// Which.
    pub partition: TopicPartition,
    /// The oldest offset that it holds.
    pub low: i64,
    /// The offset that the next record will get. Lower than the offset asked for:
    /// a tail was lost.
    pub end: i64,
    /// The record with the highest position among those read; the last one may be
    /// a repeat by a relay that was frozen. `None` when none of ours was there.
    pub maximum: Option<TailRecord>,
    /// How many records were read.
    pub records: u64,
    /// How many of them no relay wrote.
    pub foreign: u64,
}

/// A record in a [`PartitionTail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailRecord {
    /// Who it is.
    pub identity: Identity,
    /// Where it lies.
    pub offset: i64,
}

/// Reads each partition from its offset (`None` or one that is gone: from the
/// oldest there is) to the end, and keeps the highest position of each.
///
/// # Errors
/// Unavailable when the broker does not answer, or nothing comes for 15 seconds.
pub async fn read_tails(
    kafka: &KafkaOptions,
    from: Vec<StartFrom>,
) -> Result<Vec<PartitionTail>, StreamError> {
    let kafka = kafka.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut tails = Vec::new();
        read_to_end(&kafka, from, &mut tails, |tail, record| {
            let higher = tail
                .maximum
                .as_ref()
                .is_none_or(|maximum| record.position > maximum.identity.position);
            if higher {
                tail.maximum = Some(TailRecord {
                    identity: record.identity(),
                    offset: record.offset,
                });
            }
        })?;
        Ok(tails)
    });
    reading.await.map_err(|_| StreamError::ThreadLost)?
}

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionEnd {
    /// The oldest offset that it holds.
    pub low: i64,
    /// The offset that the next record will get.
    pub end: i64,
}

/// Asks where a partition begins and ends, without reading it.
///
/// # Errors
/// Unavailable when the broker does not answer or does not know the topic.
pub async fn read_end(
    kafka: &KafkaOptions,
    partition: &TopicPartition,
) -> Result<PartitionEnd, StreamError> {
    let kafka = kafka.clone();
    let partition = partition.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let (low, end) = reader(&kafka)?
            .fetch_watermarks(&partition.topic, partition.partition, ANSWER)
            .map_err(StreamError::call(format!("say where {partition} ends")))?;
        Ok(PartitionEnd { low, end })
    });
    asking.await.map_err(|_| StreamError::ThreadLost)?
}

/// Reads one partition from an offset to its end and returns what it holds, in
/// order. For checks; everything read is kept in memory.
///
/// # Errors
/// As [`read_tails`].
pub async fn read_records(
    kafka: &KafkaOptions,
    from: StartFrom,
) -> Result<Vec<Record>, StreamError> {
    let kafka = kafka.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut records = Vec::new();
        read_to_end(&kafka, vec![from], &mut Vec::new(), |_, record| {
            records.push(record);
        })?;
        Ok(records)
    });
    reading.await.map_err(|_| StreamError::ThreadLost)?
}

/// One topic after the other: at the end of a partition the client names the
/// partition but not the topic.
fn read_to_end(
    kafka: &KafkaOptions,
    from: Vec<StartFrom>,
    tails: &mut Vec<PartitionTail>,
    mut each: impl FnMut(&mut PartitionTail, Record),
) -> Result<(), StreamError> {
    let mut topics: BTreeMap<Arc<str>, Vec<StartFrom>> = BTreeMap::new();
    for start in from {
        let topic = Arc::clone(&start.partition.topic);
        topics.entry(topic).or_default().push(start);
    }
    for (topic, starts) in topics {
        let consumer = reader(kafka)?;
        let mut open: BTreeMap<i32, PartitionTail> = BTreeMap::new();
        let mut list = TopicPartitionList::new();
        for start in starts {
            let number = start.partition.partition;
            let (low, end) =
                consumer
                    .fetch_watermarks(&topic, number, ANSWER)
                    .map_err(StreamError::call(format!(
                        "say where {} ends",
                        start.partition
                    )))?;
            let first = start.offset.unwrap_or(low).max(low);
            let tail = PartitionTail {
                partition: start.partition,
                low,
                end,
                maximum: None,
                records: 0,
                foreign: 0,
            };
            if first >= end {
                tails.push(tail);
                continue;
            }
            list.add_partition_offset(&topic, number, Offset::Offset(first))
                .map_err(StreamError::call("set an offset"))?;
            open.insert(number, tail);
        }
        consumer
            .assign(&list)
            .map_err(StreamError::call("start reading partitions"))?;
        drain(&consumer, &topic, open, tails, &mut each)?;
    }
    Ok(())
}

fn drain(
    consumer: &BaseConsumer<QuietContext>,
    topic: &str,
    mut open: BTreeMap<i32, PartitionTail>,
    tails: &mut Vec<PartitionTail>,
    each: &mut impl FnMut(&mut PartitionTail, Record),
) -> Result<(), StreamError> {
    let mut heard = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                if let Some(tail) = open.get_mut(&message.partition()) {
                    take(tail, &message, each);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                tails.extend(open.remove(&partition));
            }
            Some(Err(error)) => complain(&error, "reading a topic to its end"),
            None => {}
        }
        if heard.elapsed() >= STALL {
            return Err(StreamError::call(format!("read topic {topic} to its end"))(
                KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut),
            ));
        }
    }
    Ok(())
}

fn take(
    tail: &mut PartitionTail,
    message: &BorrowedMessage<'_>,
    each: &mut impl FnMut(&mut PartitionTail, Record),
) {
    let offset = message.offset();
    tail.records += 1;
    tail.end = tail.end.max(offset + 1);
    match decode(message.headers(), message.payload()) {
        Ok(decoded) => {
            let record = Record {
                offset,
                position: decoded.position,
                previous: decoded.previous,
                event: decoded.event,
            };
            each(tail, record);
        }
        Err(reason) => {
            tail.foreign += 1;
            tracing::warn!(partition = %tail.partition, offset, %reason, "a record that no relay wrote is passed over");
        }
    }
}

fn reader(kafka: &KafkaOptions) -> Result<BaseConsumer<QuietContext>, StreamError> {
    let mut config = base(kafka)?;
    config
        .set("group.id", "dragoman-tail")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_uncommitted")
        .set("fetch.wait.max.ms", "100");
    apply_properties(&mut config, kafka);
    config
        .create_with_context(QuietContext)
        .map_err(|source| StreamError::Settings {
            source: source.into(),
        })
}
