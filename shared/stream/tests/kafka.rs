//! The stream against a real Kafka, read by `kcat` where a client that is not ours
//! should agree. Needs `DRAGOMAN_TEST_KAFKA`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use chrono::DateTime;
use dragoman_core::{Event, JSON, Position, RecordedEvent};
use dragoman_stream::{
    Consumer, ConsumerEvent, ConsumerOptions, KafkaOptions, Outgoing, Producer, Sent, SizeLimits,
    StartFrom, StreamError, TopicPartition, Topics, WantedTopic, read_records, read_tails,
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

/// What a consumer says until it has said `done`, with every assignment started at
/// `offset` and every revocation confirmed.
async fn listen(
    consumer: &mut Consumer,
    offset: Option<i64>,
    mut done: impl FnMut(&[String]) -> bool,
) -> Vec<String> {
    let mut heard = Vec::new();
    while !done(&heard) {
        match within(consumer.next()).await.unwrap() {
            ConsumerEvent::Assigned(assignment) => {
                let from: Vec<StartFrom> = assignment
                    .claims()
                    .iter()
                    .map(|claim| StartFrom {
                        partition: claim.partition.clone(),
                        offset,
                    })
                    .collect();
                heard.extend(
                    from.iter()
                        .map(|start| format!("assigned {}", start.partition.partition)),
                );
                assignment.start(from);
            }
            ConsumerEvent::Revoked(revocation) => {
                let gone = revocation.partitions().to_vec();
                heard.extend(
                    gone.iter()
                        .map(|gone| format!("revoked {}", gone.partition)),
                );
                revocation.done();
            }
            ConsumerEvent::Records { partition, records } => heard.extend(
                records
                    .iter()
                    .map(|record| format!("{}:{}", partition.partition, record.position)),
            ),
            ConsumerEvent::Jumped {
                partition,
                expected,
                found,
            } => {
                heard.push(format!(
                    "jumped {} {expected}->{found}",
                    partition.partition
                ));
            }
            ConsumerEvent::Foreign(foreign) => heard.push(format!("foreign {}", foreign.offset)),
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_starts_where_it_is_told_and_goes_on_there() {
    let topic = topic("start", 1).await;
    publish(&producer(), &topic, 0, &[1, 2, 3]).await;
    let options = ConsumerOptions::new(fresh("group"), vec![topic.clone()]);
    let mut consumer = Consumer::join(&kafka(), options).unwrap();
    let heard = listen(&mut consumer, Some(1), |heard| heard.len() >= 3).await;
    assert_eq!(heard, ["assigned 0", "0:2", "0:3"]);
    publish(&producer(), &topic, 0, &[4]).await;
    let heard = listen(&mut consumer, None, |heard| !heard.is_empty()).await;
    assert_eq!(heard, ["0:4"]);
    within(consumer.close()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_gone_is_reported_and_read_from_the_oldest() {
    let topic = topic("range", 1).await;
    publish(&producer(), &topic, 0, &[8, 9]).await;
    let options = ConsumerOptions::new(fresh("group"), vec![topic]);
    let mut consumer = Consumer::join(&kafka(), options).unwrap();
    let heard = listen(&mut consumer, Some(70), |heard| heard.len() >= 4).await;
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
    let options = ConsumerOptions::new(fresh("group"), vec![topic]);
    let mut consumer = Consumer::join(&kafka(), options).unwrap();
    let heard = listen(&mut consumer, None, |heard| heard.len() >= 4).await;
    assert_eq!(heard, ["assigned 0", "0:1", "foreign 1", "0:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_moves_only_when_its_owner_has_stopped() {
    let topic = topic("move", 2).await;
    let options = ConsumerOptions::new(fresh("group"), vec![topic.clone()]);
    let mut first = Consumer::join(&kafka(), options.clone()).unwrap();
    let heard = listen(&mut first, None, |heard| heard.len() >= 2).await;
    assert!(heard.contains(&"assigned 0".into()) && heard.contains(&"assigned 1".into()));
    let mut second = Consumer::join(&kafka(), options).unwrap();
    let revocation = within(async {
        loop {
            if let ConsumerEvent::Revoked(revocation) = first.next().await.unwrap() {
                break revocation;
            }
        }
    })
    .await;
    assert!(!revocation.is_lost());
    let moved = revocation.partitions().to_vec();
    assert_eq!(moved.len(), 1);
    let early = tokio::time::timeout(Duration::from_secs(2), second.next()).await;
    if let Ok(Ok(ConsumerEvent::Assigned(assignment))) = early {
        assert!(
            assignment.claims().is_empty(),
            "assigned before it was let go"
        );
    }
    revocation.done();
    let expected = format!("assigned {}", moved[0].partition);
    let heard = within(async {
        let mut keep = Box::pin(async {
            loop {
                first.next().await.unwrap();
            }
        });
        tokio::select! {
            heard = listen(&mut second, None, |heard| !heard.is_empty()) => heard,
            () = &mut keep => unreachable!(),
        }
    })
    .await;
    assert_eq!(heard[0], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_owner_stays_in_the_group_and_misses_nothing() {
    let topic = topic("slow", 1).await;
    let positions: Vec<i64> = (1..=300).collect();
    publish(&producer(), &topic, 0, &positions).await;
    let mut kafka = kafka();
    kafka
        .properties
        .insert("max.poll.interval.ms".into(), "6000".into());
    let mut options = ConsumerOptions::new(fresh("group"), vec![topic]);
    options.batch = 10;
    options.waiting = 1;
    let mut consumer = Consumer::join(&kafka, options).unwrap();
    let heard = listen(&mut consumer, None, |heard| heard.len() > 20).await;
    let taken = heard.len() - 1;
    // Longer than the group waits for a poll: that is what is being tried.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let rest = listen(&mut consumer, None, |heard| heard.len() >= 300 - taken).await;
    let all: Vec<String> = heard.into_iter().skip(1).chain(rest).collect();
    let expected: Vec<String> = positions
        .iter()
        .map(|position| format!("0:{position}"))
        .collect();
    assert_eq!(all, expected);
}

/// librdkafka remembers that a partition was paused, also when it is taken away and
/// given back.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_taken_away_while_paused_is_read_when_it_comes_back() {
    let topic = topic("paused", 2).await;
    let producer = producer();
    publish(&producer, &topic, 0, &(1..=100).collect::<Vec<_>>()).await;
    publish(&producer, &topic, 1, &(101..=200).collect::<Vec<_>>()).await;
    let mut options = ConsumerOptions::new(fresh("group"), vec![topic.clone()]);
    options.batch = 10;
    options.waiting = 1;
    let mut first = Consumer::join(&kafka(), options.clone()).unwrap();
    let ConsumerEvent::Assigned(assignment) = within(first.next()).await.unwrap() else {
        panic!("something comes before an assignment");
    };
    let claims = assignment.claims().to_vec();
    assignment.start(vec![start(&topic, 0, Some(0)), start(&topic, 1, Some(0))]);
    let mut second = Consumer::join(&kafka(), options).unwrap();
    // Nobody takes what the first has read: it pauses both, and loses one of them then.
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
    let (_, heard) = within(async {
        tokio::join!(
            listen(&mut first, None, |heard| heard.contains(&taken)),
            listen(&mut second, None, |heard| heard.contains(&given)),
        )
    })
    .await;
    assert_eq!(heard.last(), Some(&given));
    within(second.close()).await;
    let whole: Vec<String> = (1..=100)
        .map(|number| format!("{}:{}", moved.partition, number + 100 * moved.partition))
        .collect();
    let of_it = |heard: &[String]| -> Vec<String> {
        let records = format!("{}:", moved.partition);
        let records = heard.iter().filter(|line| line.starts_with(&records));
        records.cloned().collect()
    };
    let heard = listen(&mut first, Some(0), |heard| of_it(heard).len() >= 100).await;
    assert!(heard.contains(&given));
    assert_eq!(of_it(&heard), whole);
}
