//! What a plain reader of Kafka is promised about a topic: what comes for the first time
//! comes in order and without a gap, and what comes again is known as a repeat.

use std::collections::BTreeMap;

use dragoman_core::{partition_for, subject_hash};

use crate::{Fact, Record};

/// A topic that keeps the promise.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    /// The records that came for the first time, by position: header and type as in the
    /// log.
    pub first: Vec<Fact>,
    /// How many records were repeats.
    pub repeats: usize,
}

/// Where a topic breaks the promise.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Partition and offset of the record.
    pub record: String,
    /// What is wrong with it.
    pub breach: Breach,
}

/// How a record breaks the promise.
#[derive(Debug, PartialEq, Eq)]
pub enum Breach {
    /// This header is missing, or cannot be read.
    Header(&'static str),
    /// `ce_previous` (the first) is not the last first occurrence before it (the second).
    Chain(Option<i64>, Option<i64>),
    /// The key is not the subject.
    Key,
    /// It stands in another partition than this one, which its key says.
    Partition(i32),
    /// It comes again, and is not what came at its position before.
    OtherRepeat,
}

/// What is kept of a partition while it is read.
#[derive(Default)]
struct Lane {
    last: Option<i64>,
    seen: BTreeMap<i64, Fact>,
}

/// Reads a topic as a consumer would that believes what CONTRACTS says: drop what is not
/// above the last `ce_sequence` of the partition, and expect `ce_previous` to be that
/// last one.
///
/// # Errors
/// The first flaw.
pub fn check_chain(records: &[Record], partitions: i32) -> Result<Chain, Flaw> {
    let mut lanes: BTreeMap<i32, Lane> = BTreeMap::new();
    let mut repeats = 0;
    for record in records {
        let lane = lanes.entry(record.partition).or_default();
        match check_record(record, partitions, lane) {
            Ok(true) => {}
            Ok(false) => repeats += 1,
            Err(breach) => {
                return Err(Flaw {
                    record: format!("partition {} offset {}", record.partition, record.offset),
                    breach,
                });
            }
        }
    }
    let mut first: Vec<Fact> = lanes
        .into_values()
        .flat_map(|lane| lane.seen.into_values())
        .collect();
    first.sort_by_key(|fact| fact.position);
    Ok(Chain { first, repeats })
}

/// Whether a record comes for the first time in its partition.
fn check_record(record: &Record, partitions: i32, lane: &mut Lane) -> Result<bool, Breach> {
    let (fact, previous) = check_envelope(record, partitions)?;
    if lane.last.is_some_and(|last| fact.position <= last) {
        return if lane.seen.get(&fact.position) == Some(&fact) {
            Ok(false)
        } else {
            Err(Breach::OtherRepeat)
        };
    }
    if previous != lane.last {
        return Err(Breach::Chain(previous, lane.last));
    }
    lane.last = Some(fact.position);
    lane.seen.insert(fact.position, fact);
    Ok(true)
}

/// What a record says, with the position of the one before it, where nothing has to be
/// known of the others: headers, key and partition.
pub(crate) fn check_envelope(
    record: &Record,
    partitions: i32,
) -> Result<(Fact, Option<i64>), Breach> {
    let fact = fact(record)?;
    if record.key.as_deref() != Some(&fact.subject) {
        return Err(Breach::Key);
    }
    let expected = partition_for(subject_hash(&fact.subject), partitions);
    if record.partition != expected {
        return Err(Breach::Partition(expected));
    }
    let previous = record.header("ce_previous").map(str::parse).transpose();
    let previous = previous.map_err(|_| Breach::Header("ce_previous"))?;
    Ok((fact, previous))
}

fn fact(record: &Record) -> Result<Fact, Breach> {
    let header = |name| record.header(name).ok_or(Breach::Header(name));
    let sequence = header("ce_sequence")?;
    let position = sequence.parse().ok().filter(|_| sequence.len() == 20);
    if header("ce_specversion")? != "1.0" {
        return Err(Breach::Header("ce_specversion"));
    }
    Ok(Fact {
        position: position.ok_or(Breach::Header("ce_sequence"))?,
        id: header("ce_id")?.to_owned(),
        event_type: header("ce_type")?.to_owned(),
        subject: header("ce_subject")?.to_owned(),
        data: record.payload.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Breach, Chain, check_chain};
    use crate::Record;

    /// A record of subject `order-1`, which with one partition is in 0.
    fn record(offset: i64, position: i64, previous: Option<i64>) -> Record {
        let sequence = format!("{position:020}");
        let id = format!("event-{position}");
        let previous = previous.map(|previous| format!("{previous:020}"));
        let mut headers = vec![
            ("ce_specversion", "1.0"),
            ("ce_id", id.as_str()),
            ("ce_source", "/shop"),
            ("ce_type", "order.placed"),
            ("ce_subject", "order-1"),
            ("ce_sequence", sequence.as_str()),
        ];
        if let Some(previous) = &previous {
            headers.push(("ce_previous", previous));
        }
        let mut record = Record::new(0, offset, &headers);
        record.key = Some("order-1".to_owned());
        record.payload = Some(format!("{{\"number\":{position}}}"));
        record
    }

    fn breach(records: &[Record]) -> Breach {
        check_chain(records, 1).unwrap_err().breach
    }

    #[test]
    fn a_whole_chain_is_whole() {
        let records = [
            record(0, 1, None),
            record(1, 4, Some(1)),
            record(2, 5, Some(4)),
        ];
        let Chain { first, repeats } = check_chain(&records, 1).unwrap();
        assert_eq!(first.len(), 3);
        assert_eq!(repeats, 0);
    }

    #[test]
    fn a_repeat_is_dropped_and_counted() {
        let records = [
            record(0, 1, None),
            record(1, 4, Some(1)),
            record(2, 1, None),
            record(3, 4, Some(1)),
            record(4, 5, Some(4)),
        ];
        let chain = check_chain(&records, 1).unwrap();
        assert_eq!((chain.first.len(), chain.repeats), (3, 2));
    }

    #[test]
    fn a_record_that_is_lost_is_missed() {
        let records = [record(0, 1, None), record(2, 5, Some(4))];
        assert!(matches!(breach(&records), Breach::Chain(..)));
        let records = [record(1, 4, Some(1))];
        assert!(matches!(breach(&records), Breach::Chain(..)));
    }

    #[test]
    fn a_record_out_of_order_is_found() {
        let records = [
            record(0, 1, None),
            record(1, 5, Some(4)),
            record(2, 4, Some(1)),
        ];
        assert!(matches!(breach(&records), Breach::Chain(..)));
    }

    #[test]
    fn a_repeat_with_other_content_or_that_never_came_is_found() {
        let mut other = record(1, 1, None);
        other.payload = Some("{}".to_owned());
        assert!(matches!(
            breach(&[record(0, 1, None), other]),
            Breach::OtherRepeat
        ));
        let records = [record(0, 3, None), record(1, 2, None)];
        assert!(matches!(breach(&records), Breach::OtherRepeat));
    }

    #[test]
    fn key_partition_and_headers_are_looked_at() {
        let mut keyless = record(0, 1, None);
        keyless.key = None;
        assert!(matches!(breach(&[keyless]), Breach::Key));
        let mut elsewhere = record(0, 1, None);
        elsewhere.partition = 1;
        assert!(matches!(breach(&[elsewhere]), Breach::Partition(0)));
        let bare = Record::new(0, 0, &[("ce_sequence", "1")]);
        assert!(matches!(breach(&[bare]), Breach::Header(_)));
    }
}
