//! Records of the topic, as a reader keeps them that trusts nobody.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// Who the ERP is in the log.
const SOURCE: &str = "/erp";

/// A record of the topic, or a line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    partition: u32,
    subject: String,
    source: String,
    id: String,
    sequence: u64,
    before: Before,
}

/// What a record says of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: it is a line of the log.
    Unsaid,
    /// Its sequence; `None`: it is the first of its partition.
    Sequence(Option<u64>),
}

/// What a reader has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// Sources and subjects by id, of first occurrences.
    records: HashMap<String, (String, String)>,
    last_of_partition: HashMap<u32, u64>,
    /// Records that came again, and were dropped.
    pub(crate) repeats: u64,
    /// Records that had come again, and were not known as repeats.
    again: u64,
    holes: u64,
}

#[derive(Deserialize)]
struct Line {
    position: u64,
    source: String,
    id: String,
    subject: String,
}

impl Record {
    /// Reads `partition ⇥ key ⇥ headers ⇥ value`; `None` when that is not what it is.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(4, '\t');
        let partition = parts.next()?.parse().ok()?;
        let subject = parts.next()?.to_owned();
        let headers: HashMap<&str, &str> = parts
            .next()?
            .split(',')
            .filter_map(|header| header.split_once('='))
            .collect();
        let previous = match headers.get("ce_previous") {
            Some(previous) => Some(previous.parse().ok()?),
            None => None,
        };
        Some(Self {
            partition,
            subject,
            source: (*headers.get("ce_source")?).to_owned(),
            id: (*headers.get("ce_id")?).to_owned(),
            sequence: headers.get("ce_sequence")?.parse().ok()?,
            before: Before::Sequence(previous),
        })
    }

    /// Reads a line of `dragoman events tail --json`.
    pub(crate) fn parse_json(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        Some(Self {
            partition: 0,
            subject: line.subject,
            source: line.source,
            id: line.id,
            sequence: line.position,
            before: Before::Unsaid,
        })
    }
}

impl Reading {
    /// Takes a record, and says whether it was new. A sequence that is not above the last one
    /// of its partition is a repeat; a predecessor that is not the last one shows a hole.
    pub(crate) fn take(&mut self, record: Record) -> bool {
        let last = self.last_of_partition.get(&record.partition).copied();
        if last.is_some_and(|last| record.sequence <= last) {
            self.repeats += 1;
            return false;
        }
        if let Before::Sequence(previous) = record.before
            && previous != last
        {
            self.holes += 1;
        }
        self.last_of_partition
            .insert(record.partition, record.sequence);
        let what = (record.source, record.subject);
        self.again += u64::from(self.records.insert(record.id, what).is_some());
        true
    }

    /// How many parcels it knows of.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap_or(u64::MAX)
    }

    /// What is wrong, by what the ERP was acknowledged: orders by parcel.
    pub(crate) fn flaw(&self, acknowledged: &HashMap<String, String>) -> Option<String> {
        if self.holes > 0 {
            return Some(format!("{} holes in the chain", self.holes));
        }
        if self.again > 0 {
            return Some(format!("{} came twice as new", self.again));
        }
        for (id, (source, subject)) in &self.records {
            match acknowledged.get(id) {
                None => return Some(format!("{id} was never acknowledged")),
                Some(order) if order != subject || source != SOURCE => {
                    return Some(format!("{id} is not as it was sent"));
                }
                Some(_) => {}
            }
        }
        let read: HashSet<&String> = self.records.keys().collect();
        let missing = acknowledged.keys().filter(|id| !read.contains(id)).count();
        (missing > 0).then(|| format!("{missing} are missing"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Reading, Record};

    fn record(partition: u32, sequence: u64, previous: Option<u64>) -> Record {
        let chain = previous.map_or_else(String::new, |previous| {
            format!(",ce_previous={previous:020}")
        });
        let line = format!(
            "{partition}\torder-1\tce_specversion=1.0,ce_id=e{sequence},ce_source=/erp,ce_sequence={sequence:020}{chain}\t{{\"a\":1}}"
        );
        Record::parse(&line).unwrap_or_else(|| unreachable!("{line}"))
    }

    #[test]
    fn a_repeat_is_dropped_and_a_hole_is_seen() {
        let mut reading = Reading::default();
        assert!(reading.take(record(0, 3, None)));
        assert!(reading.take(record(0, 7, Some(3))));
        assert!(!reading.take(record(0, 3, None)), "a repeat");
        assert_eq!((reading.repeats, reading.holes), (1, 0));
        assert!(reading.take(record(0, 12, Some(9))), "new, behind a hole");
        assert_eq!(reading.holes, 1);
        assert!(reading.take(record(1, 4, None)), "another partition");
        assert_eq!(reading.holes, 1);
    }

    #[test]
    fn what_is_missing_or_was_never_sent_is_seen() {
        let mut reading = Reading::default();
        reading.take(record(0, 3, None));
        let sent = |ids: &[&str]| -> HashMap<String, String> {
            ids.iter()
                .map(|id| ((*id).to_owned(), "order-1".to_owned()))
                .collect()
        };
        assert_eq!(reading.flaw(&sent(&["e3"])), None);
        assert!(reading.flaw(&sent(&["e3", "e7"])).is_some());
        assert!(reading.flaw(&sent(&["e7"])).is_some());
    }

    #[test]
    fn what_is_no_record_is_none() {
        for line in [
            "",
            "x\ty\tz\t1",
            "0\tk\tce_id=1\t{}",
            "0\tk\tce_source=/s,ce_id=1,ce_sequence=x\t{}",
        ] {
            assert_eq!(Record::parse(line), None, "{line}");
            assert_eq!(Record::parse_json(line), None, "{line}");
        }
        let line = r#"{"position":4,"source":"/erp","id":"e4","subject":"order-1","data":{}}"#;
        assert!(Record::parse_json(line).is_some());
    }
}
