//! The stream against a real Kafka, read by `kcat` where a client that is not ours
//! should agree. Needs `DRAGOMAN_TEST_KAFKA`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use chrono::DateTime;
use dragoman_core::{Event, JSON, Position, RecordedEvent};
use dragoman_stream::{
    Consumer, ConsumerEvent, ConsumerOptions, Found, KafkaOptions, Outgoing, PartitionReader,
    Producer, Sent, SizeLimits, StartFrom, StreamError, TopicPartition, Topics, WantedTopic,
    read_records, read_tails,
};
use futures_util::future::select_all;

fn brokers() -> String {
    std::env::var("DRAGOMAN_TEST_KAFKA").expect("DRAGOMAN_TEST_KAFKA names the brokers to test on")
}

fn kafka() -> KafkaOptions {
    KafkaOptions::at(&brokers())
}

fn fresh(name: &str) -> String {
    format!("test.{name}.{}", uuid::Uuid::new_v4().simple())
}

async fn topic(name: &str, partitions: i32) -> String {
    let topic = fresh(name);
    let wanted = WantedTopic {
        topic: topic.clone(),
        partitions: Some(partitions),
    };
    Topics::connect(&kafka())
        .unwrap()
        .ensure(&[wanted])
        .await
        .unwrap();
    topic
}

fn recorded(position: i64) -> RecordedEvent {
    RecordedEvent {
        position: Position(position),
        seq: position,
        stored_at: DateTime::UNIX_EPOCH,
        event: Event {
            id: format!("id-{position}"),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            subject: format!("order-{position}"),
            time: DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: format!("{{\"number\":{position}}}"),
            traceparent: None,
            extensions: BTreeMap::from([("tenant".into(), "blue".into())]),
        },
    }
}

fn producer() -> Producer {
    let limits = SizeLimits {
        smallest_topic: 1_048_588,
        largest_topic: 1_048_588,
    };
    Producer::connect(&kafka(), limits).unwrap()
}

/// Publishes positions to one partition, in the order given, and waits for all of them.
async fn publish(producer: &Producer, topic: &str, partition: i32, positions: &[i64]) {
    let mut previous = None;
    for position in positions {
        let sent = producer.send(Outgoing {
            topic,
            partition,
            previous,
            recorded: &recorded(*position),
        });
        assert_eq!(sent.unwrap(), Sent::Queued);
        previous = Some(Position(*position));
    }
    let mut delivered = Vec::new();
    while delivered.len() < positions.len() {
        within(producer.progress()).await;
        delivered.extend(producer.take_deliveries().unwrap());
    }
    let delivered: Vec<i64> = delivered.iter().map(|one| one.position.0).collect();
    assert_eq!(delivered, positions);
}

async fn within<T>(wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wanted)
        .await
        .expect("it takes less than 30 seconds")
}

fn start(topic: &str, partition: i32, offset: Option<i64>) -> StartFrom {
    StartFrom {
        partition: TopicPartition::new(topic, partition),
        offset,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_once_and_keep_what_they_have() {
    let topics = Topics::connect(&kafka()).unwrap();
    let wanted = WantedTopic {
        topic: fresh("made"),
        partitions: Some(3),
    };
    let made = topics.ensure(std::slice::from_ref(&wanted)).await.unwrap();
    assert!(made[0].created);
    assert_eq!(made[0].partitions, 3);
    assert!(made[0].max_message_bytes > 1000);
    let other_count = WantedTopic {
        partitions: Some(5),
        ..wanted
    };
    let met = topics.ensure(&[other_count]).await.unwrap();
    assert!(!met[0].created);
    assert_eq!(met[0].partitions, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_unavailable_and_no_verdict() {
    let mut away = KafkaOptions::at("127.0.0.1:1");
    away.properties
        .insert("socket.timeout.ms".into(), "500".into());
    let wanted = WantedTopic {
        topic: fresh("away"),
        partitions: None,
    };
    let error = Topics::connect(&away)
        .unwrap()
        .ensure(&[wanted])
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_is_the_maximum_and_not_the_last_record() {
    let topic = topic("tail", 2).await;
    let producer = producer();
    publish(&producer, &topic, 0, &[1, 3, 5, 9]).await;
    publish(&producer, &topic, 0, &[3, 5]).await;
    let from = vec![start(&topic, 0, Some(1)), start(&topic, 1, Some(7))];
    let mut tails = read_tails(&kafka(), from).await.unwrap();
    tails.sort_by_key(|tail| tail.partition.partition);
    let maximum = tails[0].maximum.as_ref().unwrap();
    assert_eq!(maximum.identity, recorded(9).identity());
    assert_eq!(maximum.offset, 3);
    assert_eq!((tails[0].end, tails[0].records), (6, 5));
    assert_eq!((tails[1].end, tails[1].records), (0, 0));
    assert_eq!(tails[1].maximum, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_reads_what_the_contract_says() {
    let topic = topic("kcat", 1).await;
    publish(&producer(), &topic, 0, &[4, 6]).await;
    let output = Command::new("kcat")
        .args(["-C", "-e", "-q", "-b", &brokers(), "-t", &topic])
        .args(["-f", "%k|%h|%s\n"])
        .output()
        .expect("kcat is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "order-6|ce_specversion=1.0,ce_id=id-6,ce_source=/shop,ce_type=order.placed,\
         ce_subject=order-6,ce_time=1970-01-01T00:00:00Z,content-type=application/json,\
         ce_sequence=00000000000000000006,ce_previous=00000000000000000004,ce_tenant=blue|\
         {\"number\":6}"
    );
    assert!(!lines[0].contains("ce_previous"), "{}", lines[0]);
    let read = read_records(&kafka(), start(&topic, 0, None))
        .await
        .unwrap();
    assert_eq!(read[1].event, recorded(6).event);
    assert_eq!(read[1].previous, Some(Position(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_larger_than_its_topic_takes_is_an_error_that_names_it() {
    let topic = topic("large", 1).await;
    let producer = producer();
    let mut large = recorded(1);
    large.event.data = "x".repeat(1_100_000);
    let error = producer.send(Outgoing {
        topic: &topic,
        partition: 0,
        previous: None,
        recorded: &large,
    });
    assert!(matches!(
        error,
        Err(StreamError::Delivery {
            position: Position(1),
            ..
        })
    ));
}

/// A member of a group with the readers of what it was given.
struct Member {
    consumer: Consumer,
    readers: Vec<PartitionReader>,
}

impl Member {
    fn join(kafka: &KafkaOptions, topic: &str, group: &str) -> Self {
        let options = ConsumerOptions::new(group, vec![topic.to_owned()]);
        Self {
            consumer: Consumer::join(kafka, options).unwrap(),
            readers: Vec::new(),
        }
    }

    /// What it hears until it has heard `done`, with every assignment started at `offset`
    /// and every revocation confirmed.
    async fn listen(
        &mut self,
        offset: Option<i64>,
        mut done: impl FnMut(&[String]) -> bool,
    ) -> Vec<String> {
        let mut heard = Vec::new();
        within(async {
            while !done(&heard) {
                let event = tokio::select! {
                    event = self.consumer.next() => Some(event.unwrap()),
                    () = any_ready(&mut self.readers) => None,
                };
                match event {
                    Some(event) => heard.extend(follow(event, offset, &mut self.readers)),
                    None => heard.extend(self.readers.iter_mut().filter_map(said)),
                }
            }
        })
        .await;
        heard
    }

    async fn close(self) {
        drop(self.readers);
        within(self.consumer.close()).await;
    }
}

/// Returns when any of them has something; never when there is none.
async fn any_ready(readers: &mut [PartitionReader]) {
    if readers.is_empty() {
        std::future::pending().await
    }
    let ready = readers.iter_mut().map(|reader| Box::pin(reader.ready()));
    select_all(ready).await.0.unwrap();
}

/// Does what the group decided, and says it.
fn follow(
    event: ConsumerEvent,
    offset: Option<i64>,
    readers: &mut Vec<PartitionReader>,
) -> Vec<String> {
    match event {
        ConsumerEvent::Assigned(assignment) => {
            let claims = assignment.claims().iter();
            let from = claims
                .map(|claim| StartFrom {
                    partition: claim.partition.clone(),
                    offset,
                })
                .collect();
            let given = assignment.start(from);
            let said = given
                .iter()
                .map(|reader| format!("assigned {}", reader.partition().partition))
                .collect();
            readers.extend(given);
            said
        }
        ConsumerEvent::Revoked(revocation) => {
            let gone = revocation.partitions().to_vec();
            readers.retain(|reader| !gone.contains(reader.partition()));
            revocation.done();
            gone.iter()
                .map(|gone| format!("revoked {}", gone.partition))
                .collect()
        }
    }
}

/// What comes next of a partition, in words.
fn said(reader: &mut PartitionReader) -> Option<String> {
    let found = reader.take().unwrap()?;
    let partition = reader.partition().partition;
    Some(match found {
        Found::Record(record) => format!("{partition}:{}", record.position),
        Found::Foreign(foreign) => format!("foreign {}", foreign.offset),
        Found::Jumped { expected, found } => format!("jumped {partition} {expected}->{found}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_starts_where_it_is_told_and_goes_on_there() {
    let topic = topic("start", 1).await;
    publish(&producer(), &topic, 0, &[1, 2, 3]).await;
    let mut member = Member::join(&kafka(), &topic, &fresh("group"));
    let heard = member.listen(Some(1), |heard| heard.len() >= 3).await;
    assert_eq!(heard, ["assigned 0", "0:2", "0:3"]);
    publish(&producer(), &topic, 0, &[4]).await;
    let heard = member.listen(None, |heard| !heard.is_empty()).await;
    assert_eq!(heard, ["0:4"]);
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_gone_is_reported_and_read_from_the_oldest() {
    let topic = topic("range", 1).await;
    publish(&producer(), &topic, 0, &[8, 9]).await;
    let mut member = Member::join(&kafka(), &topic, &fresh("group"));
    let heard = member.listen(Some(70), |heard| heard.len() >= 4).await;
    assert_eq!(heard, ["assigned 0", "jumped 0 70->0", "0:8", "0:9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_others_are_told_apart_and_passed_over() {
    let topic = topic("foreign", 1).await;
    publish(&producer(), &topic, 0, &[1]).await;
    let foreign = format!("printf intruder | kcat -P -b {} -t {topic} -p 0", brokers());
    assert!(
        Command::new("sh")
            .args(["-c", &foreign])
            .status()
            .unwrap()
            .success()
    );
    publish(&producer(), &topic, 0, &[2]).await;
    let mut member = Member::join(&kafka(), &topic, &fresh("group"));
    let heard = member.listen(None, |heard| heard.len() >= 4).await;
    assert_eq!(heard, ["assigned 0", "0:1", "foreign 1", "0:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_moves_only_when_its_owner_has_stopped() {
    let topic = topic("move", 2).await;
    let group = fresh("group");
    let mut first = Member::join(&kafka(), &topic, &group);
    let heard = first.listen(None, |heard| heard.len() >= 2).await;
    assert!(heard.contains(&"assigned 0".into()) && heard.contains(&"assigned 1".into()));
    let mut second = Member::join(&kafka(), &topic, &group);
    let revocation = within(async {
        loop {
            if let ConsumerEvent::Revoked(revocation) = first.consumer.next().await.unwrap() {
                break revocation;
            }
        }
    })
    .await;
    assert!(!revocation.is_lost());
    let moved = revocation.partitions().to_vec();
    assert_eq!(moved.len(), 1);
    let early = tokio::time::timeout(Duration::from_secs(2), second.consumer.next()).await;
    if let Ok(Ok(ConsumerEvent::Assigned(assignment))) = early {
        assert!(
            assignment.claims().is_empty(),
            "assigned before it was let go"
        );
    }
    revocation.done();
    let expected = format!("assigned {}", moved[0].partition);
    let heard = within(async {
        tokio::select! {
            heard = second.listen(None, |heard| !heard.is_empty()) => heard,
            _never = first.listen(None, |_| false) => unreachable!(),
        }
    })
    .await;
    assert_eq!(heard[0], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_stays_in_the_group_and_misses_nothing() {
    let topic = topic("slow", 1).await;
    let positions: Vec<i64> = (1..=300).collect();
    publish(&producer(), &topic, 0, &positions).await;
    let mut kafka = kafka();
    for (property, value) in [
        ("max.poll.interval.ms", "6000"),
        // A handful of records fills the queue.
        ("queued.max.messages.kbytes", "1"),
        ("max.partition.fetch.bytes", "1000"),
    ] {
        kafka.properties.insert(property.into(), value.into());
    }
    let mut member = Member::join(&kafka, &topic, &fresh("group"));
    let heard = member.listen(None, |heard| heard.len() > 20).await;
    let taken = heard.len() - 1;
    // Longer than the group waits for a poll: that is what is being tried.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let rest = member
        .listen(None, |heard| heard.len() >= 300 - taken)
        .await;
    let all: Vec<String> = heard.into_iter().skip(1).chain(rest).collect();
    let expected: Vec<String> = positions
        .iter()
        .map(|position| format!("0:{position}"))
        .collect();
    assert_eq!(all, expected);
}

/// The client keeps the queue of a partition that is taken away, with what was in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_taken_away_unread_is_read_from_where_it_is_told_when_it_comes_back() {
    let topic = topic("unread", 2).await;
    let producer = producer();
    publish(&producer, &topic, 0, &(1..=100).collect::<Vec<_>>()).await;
    publish(&producer, &topic, 1, &(101..=200).collect::<Vec<_>>()).await;
    let group = fresh("group");
    let mut first = Member::join(&kafka(), &topic, &group);
    let ConsumerEvent::Assigned(assignment) = within(first.consumer.next()).await.unwrap() else {
        panic!("something comes before an assignment");
    };
    let claims = assignment.claims().to_vec();
    let mut readers = assignment.start(vec![start(&topic, 0, Some(0)), start(&topic, 1, Some(0))]);
    for reader in &mut readers {
        within(reader.ready()).await.unwrap();
    }
    first.readers = readers;
    let mut second = Member::join(&kafka(), &topic, &group);
    let moved = within(async {
        tokio::select! {
            () = claims[0].revoked.cancelled() => &claims[0].partition,
            () = claims[1].revoked.cancelled() => &claims[1].partition,
        }
    })
    .await;
    let (given, taken) = (
        format!("assigned {}", moved.partition),
        format!("revoked {}", moved.partition),
    );
    within(async {
        tokio::join!(
            first.listen(None, |heard| heard.contains(&taken)),
            second.listen(None, |heard| heard.contains(&given)),
        )
    })
    .await;
    second.close().await;
    let whole: Vec<String> = (51..=100)
        .map(|number| format!("{}:{}", moved.partition, number + 100 * moved.partition))
        .collect();
    let of_it = |heard: &[String]| -> Vec<String> {
        let records = format!("{}:", moved.partition);
        let records = heard.iter().filter(|line| line.starts_with(&records));
        records.cloned().collect()
    };
    let heard = first
        .listen(Some(50), |heard| of_it(heard).len() >= 50)
        .await;
    assert!(heard.contains(&given));
    assert_eq!(of_it(&heard), whole);
}

/// What one reader leaves is no burden to the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_nobody_takes_holds_up_no_other() {
    let topic = topic("beside", 2).await;
    let producer = producer();
    let many: Vec<i64> = (1..=3_000).collect();
    publish(&producer, &topic, 0, &many).await;
    publish(&producer, &topic, 1, &many).await;
    let mut kafka = kafka();
    for (property, value) in [
        ("queued.max.messages.kbytes", "1"),
        ("max.partition.fetch.bytes", "1000"),
    ] {
        kafka.properties.insert(property.into(), value.into());
    }
    let mut member = Member::join(&kafka, &topic, &fresh("group"));
    member.listen(Some(0), |heard| heard.len() >= 2).await;
    let left: Vec<_> = member
        .readers
        .extract_if(.., |reader| reader.partition().partition == 0)
        .collect();
    let heard = member.listen(None, |heard| heard.len() >= 2_990).await;
    assert!(heard.iter().all(|line| line.starts_with("1:")));
    drop(left);
    member.close().await;
}

/// An assignment holds readers, for which leaving waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_leaves_though_nobody_took_its_assignment() {
    let topic = topic("untaken", 1).await;
    let group = fresh("group");
    let options = ConsumerOptions::new(group, vec![topic]);
    let consumer = Consumer::join(&kafka(), options).unwrap();
    // Long enough for the group to give it the partition, which nobody looks at here.
    tokio::time::sleep(Duration::from_secs(5)).await;
    within(consumer.close()).await;
}
