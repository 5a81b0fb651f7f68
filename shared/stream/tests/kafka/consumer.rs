//! Members of a group, and what they read.

use std::process::Command;
use std::time::Duration;

use dragoman_stream::{
    Consumer, ConsumerEvent, ConsumerOptions, Found, KafkaOptions, PartitionReader, StartFrom,
};
use futures_util::future::select_all;

use super::{brokers, fresh, kafka, producer, publish, start, topic, within};

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
