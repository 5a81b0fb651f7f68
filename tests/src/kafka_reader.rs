//! What a topic holds, read by `kcat`: a client that is not ours.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::process::tied;

/// A record as `kcat -J` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
    /// The key.
    pub key: Option<String>,
    /// The value.
    pub payload: Option<String>,
    /// Names and values of the headers, one after the other.
    #[serde(default)]
    headers: Vec<String>,
}

impl Record {
    /// A header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .chunks_exact(2)
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].as_str())
    }

    #[cfg(test)]
    pub(crate) fn new(partition: i32, offset: i64, headers: &[(&str, &str)]) -> Self {
        Self {
            partition,
            offset,
            key: None,
            payload: None,
            headers: headers
                .iter()
                .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
                .collect(),
        }
    }
}

/// Everything that a topic holds, by partition and offset.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn read_topic(brokers: &str, topic: &str) -> Vec<Record> {
    let output = reading(Command::new("kcat"), brokers, topic)
        .output()
        .expect("there is kcat");
    assert!(
        output.status.success(),
        "{topic} cannot be read: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("records are text");
    let mut records: Vec<Record> = text.lines().map(record).collect();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// Everything that a partition holds, one record after the other: for topics that hold
/// more than memory should.
///
/// # Panics
/// When it cannot be read.
pub(crate) fn each_record(
    brokers: &str,
    topic: &str,
    partition: i32,
    mut take: impl FnMut(Record),
) {
    let mut child = reading(tied(Path::new("kcat"), "KILL"), brokers, topic)
        .args(["-X", "queued.max.messages.kbytes=16384"])
        .args(["-p", &partition.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is kcat");
    let output = child.stdout.take().expect("its output is ours");
    for line in BufReader::with_capacity(1 << 20, output).lines() {
        take(record(&line.expect("records are text")));
    }
    let ended = child.wait().expect("a child can be waited for");
    assert!(ended.success(), "{topic} [{partition}] cannot be read");
}

fn reading(mut kcat: Command, brokers: &str, topic: &str) -> Command {
    kcat.args(["-C", "-e", "-q", "-J", "-o", "beginning"])
        .args(["-X", "fetch.wait.max.ms=100", "-b", brokers, "-t", topic]);
    kcat
}

fn record(line: &str) -> Record {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Where the partitions of a topic end, as the broker says.
///
/// # Panics
/// When the broker does not say.
#[must_use]
pub fn end_offsets(brokers: &str, topic: &str, partitions: i32) -> BTreeMap<i32, i64> {
    ask_for_ends(brokers, topic, partitions)
        .unwrap_or_else(|answer| panic!("the ends of {topic} are not told: {answer}"))
}

/// Whether there is such a topic, and every partition of it can be read.
#[must_use]
pub fn exists(brokers: &str, topic: &str, partitions: i32) -> bool {
    ask_for_ends(brokers, topic, partitions).is_ok()
}

fn ask_for_ends(brokers: &str, topic: &str, partitions: i32) -> Result<BTreeMap<i32, i64>, String> {
    let mut command = Command::new("kcat");
    command.args(["-Q", "-b", brokers]);
    for partition in 0..partitions {
        command.args(["-t", &format!("{topic}:{partition}:-1")]);
    }
    let output = command.output().expect("there is kcat");
    let text = String::from_utf8_lossy(&output.stdout);
    let ends: BTreeMap<i32, i64> = text.lines().filter_map(end_offset).collect();
    if i32::try_from(ends.len()) == Ok(partitions) {
        Ok(ends)
    } else {
        Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Reads `orders [2] offset 17`.
fn end_offset(line: &str) -> Option<(i32, i64)> {
    let (_, rest) = line.rsplit_once(" [")?;
    let (partition, offset) = rest.split_once("] offset ")?;
    Some((partition.parse().ok()?, offset.trim().parse().ok()?))
}
