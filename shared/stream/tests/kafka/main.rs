//! The stream against a real Kafka, read by `kcat` where a client that is not ours
//! should agree. Needs `DRAGOMAN_TEST_KAFKA`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod consumer;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use chrono::DateTime;
use dragoman_core::{Event, JSON, Position, RecordedEvent};
use dragoman_stream::{
    KafkaOptions, Outgoing, Producer, Sent, SizeLimits, StartFrom, StreamError, TopicPartition,
    Topics, WantedTopic, read_records, read_tails,
};

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
