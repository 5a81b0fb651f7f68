use std::collections::BTreeMap;
use std::process::Command;

use super::Hub;

/// A record as `kcat` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) position: i64,
    pub(crate) previous: Option<i64>,
    pub(crate) id: String,
}

/// Everything that a topic holds, per partition in order.
pub(crate) fn read_topic(topic: &str) -> Vec<Seen> {
    let brokers = std::env::var("DRAGOMAN_TEST_KAFKA").unwrap();
    let output = Command::new("kcat")
        .args([
            "-C",
            "-e",
            "-q",
            "-b",
            &brokers,
            "-t",
            topic,
            "-o",
            "beginning",
        ])
        .args(["-f", "%p,%h\n"])
        .output()
        .expect("kcat is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| seen(topic, line)).collect()
}

/// Everything that some topics hold.
pub(crate) fn read(topics: &[&str]) -> Vec<Seen> {
    topics.iter().flat_map(|topic| read_topic(topic)).collect()
}

/// Everything that a hub's own two topics hold.
pub(crate) fn read_all(hub: &Hub) -> Vec<Seen> {
    read(&[&hub.orders, &hub.stock])
}

fn seen(topic: &str, line: &str) -> Seen {
    let (partition, headers) = line.split_once(',').unwrap();
    let headers: BTreeMap<&str, &str> = headers
        .split(',')
        .filter_map(|header| header.split_once('='))
        .collect();
    Seen {
        topic: topic.to_owned(),
        partition: partition.parse().unwrap(),
        position: headers["ce_sequence"].parse().unwrap(),
        previous: headers.get("ce_previous").map(|text| text.parse().unwrap()),
        id: headers["ce_id"].to_owned(),
    }
}

/// Checks what a plain reader is promised: repeats dropped by `ce_sequence`, what is
/// left is in order with an unbroken chain, and over all partitions every position
/// from 1 to `head` comes once. Returns how many repeats there were.
pub(crate) fn check_promise(seen: &[Seen], head: i64) -> usize {
    let mut last: BTreeMap<(String, i32), i64> = BTreeMap::new();
    let mut positions = Vec::new();
    let mut repeats = 0;
    for record in seen {
        let lane = (record.topic.clone(), record.partition);
        let before = last.get(&lane).copied();
        if before.is_some_and(|before| record.position <= before) {
            repeats += 1;
            continue;
        }
        assert_eq!(record.previous, before, "the chain breaks at {record:?}");
        last.insert(lane, record.position);
        positions.push(record.position);
    }
    positions.sort_unstable();
    let expected: Vec<i64> = (1..=head).collect();
    assert_eq!(positions.len(), expected.len());
    assert_eq!(positions, expected);
    repeats
}
