//! Records of the topic, as a reader keeps them that trusts nobody.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stage::{Line, thousands};

use crate::orders::{OrderEvent, OrderKind};
use crate::shop;

/// A record of the `orders` topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    partition: u32,
    subject: String,
    source: String,
    id: String,
    sequence: u64,
    previous: Option<u64>,
    data: String,
}

/// What a reader has seen.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// First occurrences, in the order in which they were read.
    records: Vec<Record>,
    last_of_partition: HashMap<u32, u64>,
    repeats: u64,
    holes: u64,
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
        Some(Self {
            partition,
            subject,
            source: (*headers.get("ce_source")?).to_owned(),
            id: (*headers.get("ce_id")?).to_owned(),
            sequence: headers.get("ce_sequence")?.parse().ok()?,
            previous: match headers.get("ce_previous") {
                Some(previous) => Some(previous.parse().ok()?),
                None => None,
            },
            data: parts.next()?.to_owned(),
        })
    }
}

impl Reading {
    /// Takes a record, and says whether it was new. A sequence that is not above the last one
    /// of its partition is a repeat; a `previous` that is not the last one shows a hole.
    pub(crate) fn take(&mut self, record: Record) -> bool {
        let last = self.last_of_partition.get(&record.partition).copied();
        if last.is_some_and(|last| record.sequence <= last) {
            self.repeats += 1;
            return false;
        }
        if record.previous != last {
            self.holes += 1;
        }
        self.last_of_partition
            .insert(record.partition, record.sequence);
        self.records.push(record);
        true
    }

    /// Compares with what the shop was acknowledged.
    pub(crate) fn line(&self, acknowledged: &[Arc<OrderEvent>]) -> Line {
        let should = format!("{} events, in order", count(acknowledged.len()));
        let has = match self.repeats {
            0 => format!("{} events", count(self.records.len())),
            repeats => format!(
                "{} events ({} repeats dropped)",
                count(self.records.len()),
                thousands(repeats)
            ),
        };
        let wrong = self.flaw(acknowledged);
        Line::judged("Kafka: topic orders, read by kcat", should, has, wrong)
    }

    fn flaw(&self, acknowledged: &[Arc<OrderEvent>]) -> Option<String> {
        if self.holes > 0 {
            return Some(format!("{} holes in the chain", self.holes));
        }
        let sent: HashMap<&str, &OrderEvent> = acknowledged
            .iter()
            .map(|event| (event.id.as_str(), event.as_ref()))
            .collect();
        let mut placed = HashSet::new();
        let mut seen = HashSet::new();
        for record in &self.records {
            let Some(event) = sent.get(record.id.as_str()) else {
                return Some(format!("{} was never acknowledged", record.id));
            };
            if record.source != shop::SOURCE
                || record.subject != event.order
                || record.data != event.data
            {
                return Some(format!("{} is not as it was sent", record.id));
            }
            if !seen.insert(record.id.as_str()) {
                return Some(format!("{} came twice as new", record.id));
            }
            match event.kind {
                OrderKind::Placed => {
                    placed.insert(event.order.as_str());
                }
                OrderKind::Cancelled if !placed.contains(event.order.as_str()) => {
                    return Some(format!("{} came before its order", record.id));
                }
                OrderKind::Cancelled => {}
            }
        }
        let missing = sent.len().saturating_sub(seen.len());
        (missing > 0).then(|| format!("{} are missing", count(missing)))
    }
}

fn count(number: usize) -> String {
    thousands(u64::try_from(number).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Reading, Record};

    fn record(partition: u32, sequence: u64, previous: Option<u64>) -> Record {
        let chain = previous.map_or_else(String::new, |previous| {
            format!(",ce_previous={previous:020}")
        });
        let line = format!(
            "{partition}\torder-1\tce_specversion=1.0,ce_id=e{sequence},ce_source=/shop,ce_sequence={sequence:020}{chain}\t{{\"a\":1}}"
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
    fn what_is_no_record_is_none() {
        for line in [
            "",
            "x\ty\tz\t1",
            "0\tk\tce_id=1\t{}",
            "0\tk\tce_source=/s,ce_id=1,ce_sequence=x\t{}",
        ] {
            assert_eq!(Record::parse(line), None, "{line}");
        }
    }
}
