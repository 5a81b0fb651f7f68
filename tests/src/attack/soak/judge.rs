//! The verdict over a soak, in one walk through the log: beside it what senders were told,
//! every partition of Kafka, and the fold.

use std::collections::BTreeMap;

use dragoman_core::{partition_for, subject_hash};
use serde_json::Value;

use super::event::Tag;
use super::lane::Lane;
use super::told::{Numbers, Told};
use crate::fold::fold_one;
use crate::{Fact, Kafka, Row};

/// How many flaws are told in words.
const TOLD: usize = 20;

/// What is not as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrongs {
    /// Acknowledged and not in the log; in the log and not in Kafka; not in the table.
    pub lost: u64,
    /// Twice in the log, or in the table.
    pub repeated_in_effect: u64,
    /// Of one subject in another order than it was sent in; in Kafka or in the table in
    /// another than that of the log.
    pub reordered: u64,
    /// Refused or rolled back, or never sent, or sent otherwise, and there.
    pub uncalled: u64,
    /// Records of Kafka that break their promise otherwise.
    pub faulty_records: u64,
    /// The first of them in words.
    pub flaws: Vec<String>,
}

impl Wrongs {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn note(&mut self, flaw: impl FnOnce() -> String) {
        if self.flaws.len() < TOLD {
            self.flaws.push(flaw());
        }
    }
}

/// One who walks through the log.
pub(super) struct Judge {
    kafka: Kafka,
    told: Vec<Told>,
    found: Vec<Numbers>,
    /// The last number of each subject.
    last: BTreeMap<String, u64>,
    lanes: BTreeMap<(&'static str, i32), Lane>,
    rows: BTreeMap<String, Row>,
    /// How far it has come.
    pub(super) position: i64,
    wrongs: Wrongs,
}

impl Judge {
    pub(super) fn new(kafka: &Kafka, topics: [(&'static str, &str); 2], told: Vec<Told>) -> Self {
        let mut lanes = BTreeMap::new();
        for (event_type, topic) in topics {
            for partition in 0..kafka.partitions {
                let lane = Lane::read(kafka, topic, partition);
                lanes.insert((event_type, partition), lane);
            }
        }
        Self {
            kafka: kafka.clone(),
            found: vec![Numbers::default(); told.len()],
            told,
            last: BTreeMap::new(),
            lanes,
            rows: BTreeMap::new(),
            position: 0,
            wrongs: Wrongs::default(),
        }
    }

    /// Takes the next fact of the log.
    pub(super) fn take(&mut self, fact: &Fact) {
        self.position += 1;
        assert!(
            fact.position == self.position,
            "position {} is {}",
            self.position,
            fact.position
        );
        self.compare_with_sent(fact);
        self.compare_with_kafka(fact);
        if fact.is_order() {
            let data: Value = serde_json::from_str(&fact.data).expect("data is JSON");
            fold_one(&mut self.rows, fact.subject.clone(), &data);
        }
    }

    fn compare_with_sent(&mut self, fact: &Fact) {
        let tag = Tag::read(&fact.id).filter(|tag| tag.sender < self.told.len());
        let Some(tag) = tag.filter(|tag| is_as_sent(fact, *tag)) else {
            self.wrongs.uncalled += 1;
            self.wrongs.note(|| format!("{fact:?} was not sent so"));
            return;
        };
        if self.told[tag.sender].refused.has(tag.number) {
            self.wrongs.uncalled += 1;
            self.wrongs
                .note(|| format!("{fact:?} was refused, and is there"));
        }
        if !self.found[tag.sender].insert(tag.number) {
            self.wrongs.repeated_in_effect += 1;
            self.wrongs
                .note(|| format!("{fact:?} is in the log before"));
            return;
        }
        let last = self.last.entry(fact.subject.clone()).or_default();
        if *last > tag.number {
            self.wrongs.reordered += 1;
            let last = *last;
            self.wrongs
                .note(|| format!("{fact:?} stands behind number {last}"));
        }
        *last = tag.number.max(*last);
    }

    fn compare_with_kafka(&mut self, fact: &Fact) {
        let partition = partition_for(subject_hash(&fact.subject), self.kafka.partitions);
        let types = self.lanes.iter_mut();
        let lane = types
            .filter(|((of, number), _)| *of == fact.event_type && *number == partition)
            .map(|(_, lane)| lane)
            .next();
        if !lane.is_some_and(|lane| lane.take(fact)) {
            self.wrongs.lost += 1;
            self.wrongs.note(|| format!("{fact:?} is not in Kafka"));
        }
    }

    /// The log is through. Compares the rows of the table with its fold, and returns how
    /// many records came again in Kafka.
    pub(super) fn finish(mut self, table: &BTreeMap<String, Row>) -> (Wrongs, u64) {
        for (sender, (told, found)) in self.told.iter().zip(&self.found).enumerate() {
            let lost = told.acknowledged.missing_in(found);
            self.wrongs.lost += lost;
            if lost > 0 {
                let flaw = format!("{lost} of sender {sender} were acknowledged and are lost");
                self.wrongs.note(|| flaw);
            }
        }
        let mut repeats = 0;
        for ((event_type, partition), mut lane) in self.lanes {
            lane.finish();
            repeats += lane.findings.repeats;
            self.wrongs.reordered += lane.findings.disordered;
            self.wrongs.faulty_records += lane.findings.faulty;
            if let Some(flaw) = lane.flaw {
                self.wrongs
                    .note(|| format!("{event_type} [{partition}]: {flaw}"));
            }
        }
        compare_rows(&mut self.wrongs, &self.rows, table);
        (self.wrongs, repeats)
    }
}

fn is_as_sent(fact: &Fact, tag: Tag) -> bool {
    fact.event_type == tag.event_type() && fact.subject == tag.subject() && fact.data == tag.data()
}

fn compare_rows(
    wrongs: &mut Wrongs,
    expected: &BTreeMap<String, Row>,
    found: &BTreeMap<String, Row>,
) {
    let keys = expected.keys().chain(found.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (expected, found) = (expected.get(key), found.get(key));
        if expected == found {
            continue;
        }
        let count = |row: Option<&Row>| row.map_or(0, |row| row.events);
        let surplus = count(found) - count(expected);
        match surplus {
            1.. => wrongs.repeated_in_effect += surplus.unsigned_abs(),
            0 => wrongs.reordered += 1,
            _ => wrongs.lost += surplus.unsigned_abs(),
        }
        wrongs.note(|| format!("row {key} is {found:?} and not {expected:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Wrongs, compare_rows};
    use crate::Row;

    fn row(events: i64, latest: i64) -> Row {
        Row {
            events,
            total: 7 * events,
            smallest: 1,
            largest: 9,
            earliest: 1,
            latest,
        }
    }

    fn compared(found: Option<Row>) -> Wrongs {
        let rows = |row: Option<Row>| {
            let named = row.map(|row| ("subject".to_owned(), row));
            named.into_iter().collect::<BTreeMap<_, _>>()
        };
        let mut wrongs = Wrongs::default();
        compare_rows(&mut wrongs, &rows(Some(row(5, 9))), &rows(found));
        wrongs
    }

    #[test]
    fn a_row_that_differs_is_lost_repeated_or_reordered() {
        assert!(compared(Some(row(5, 9))).is_none());
        assert_eq!(compared(Some(row(3, 9))).lost, 2);
        assert_eq!(compared(None).lost, 5);
        assert_eq!(compared(Some(row(6, 9))).repeated_in_effect, 1);
        assert_eq!(compared(Some(row(5, 8))).reordered, 1);
    }
}
