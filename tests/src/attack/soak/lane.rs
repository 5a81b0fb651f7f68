//! A topic partition, read beside the log: the next record that comes for the first time,
//! and what came again.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::mpsc::{Receiver, sync_channel};

use crate::chain::check_envelope;
use crate::kafka_reader::each_record;
use crate::{Breach, Fact, Kafka};

/// Records that are handed over together, and how often before somebody takes them.
const TOGETHER: usize = 500;
const WAITING: usize = 8;
/// So far back it is known what came: further than anything was ever on the wire.
const KNOWN: usize = 100_000;

type Envelope = Result<(Fact, Option<i64>), Breach>;

/// What is found in a partition beside the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Records that came again.
    pub(super) repeats: u64,
    /// Records that came after a later one and not before it.
    pub(super) disordered: u64,
    /// Records whose headers, key, partition or chain are wrong.
    pub(super) faulty: u64,
}

/// A partition.
pub(super) struct Lane {
    arrivals: Receiver<Vec<Envelope>>,
    taken: std::vec::IntoIter<Envelope>,
    last: Option<i64>,
    /// What came lately: position and content.
    known: VecDeque<(i64, u64)>,
    next: Option<Fact>,
    pub(super) findings: Findings,
    /// The first thing that was wrong.
    pub(super) flaw: Option<String>,
}

impl Lane {
    /// Begins to read.
    pub(super) fn read(kafka: &Kafka, topic: &str, partition: i32) -> Self {
        let (hand_over, arrivals) = sync_channel(WAITING);
        let (brokers, partitions) = (kafka.brokers.clone(), kafka.partitions);
        let topic = topic.to_owned();
        std::thread::spawn(move || {
            let mut gathered = Vec::with_capacity(TOGETHER);
            each_record(&brokers, &topic, partition, |record| {
                gathered.push(check_envelope(&record, partitions));
                if gathered.len() == TOGETHER {
                    let full = std::mem::replace(&mut gathered, Vec::with_capacity(TOGETHER));
                    let _nobody_reads_on = hand_over.send(full);
                }
            });
            let _nobody_reads_on = hand_over.send(gathered);
        });
        Self::of(arrivals)
    }

    fn of(arrivals: Receiver<Vec<Envelope>>) -> Self {
        Self {
            arrivals,
            taken: Vec::new().into_iter(),
            last: None,
            known: VecDeque::new(),
            next: None,
            findings: Findings::default(),
            flaw: None,
        }
    }

    /// Takes a fact of the log, of this partition, in the order of the log. Whether it is
    /// here, as it is there.
    pub(super) fn take(&mut self, expected: &Fact) -> bool {
        while let Some(found) = self.next.take().or_else(|| self.next_first()) {
            if found.position > expected.position {
                self.next = Some(found);
                return false;
            }
            if found == *expected {
                return true;
            }
            self.findings.faulty += 1;
            self.note(|| format!("{found:?} is not in the log"));
        }
        false
    }

    /// Reads what is left: nothing of it is in the log but repeats.
    pub(super) fn finish(&mut self) {
        while let Some(found) = self.next.take().or_else(|| self.next_first()) {
            self.findings.faulty += 1;
            self.note(|| format!("{found:?} is not in the log"));
        }
    }

    /// The next that comes for the first time.
    fn next_first(&mut self) -> Option<Fact> {
        loop {
            let (fact, previous) = match self.arrival()? {
                Ok(arrival) => arrival,
                Err(breach) => {
                    self.findings.faulty += 1;
                    self.note(|| format!("{breach:?}"));
                    continue;
                }
            };
            let content = content(&fact);
            if self.last.is_some_and(|last| fact.position <= last) {
                let place = self.known.binary_search_by_key(&fact.position, |one| one.0);
                if place.is_ok_and(|place| self.known[place].1 == content) {
                    self.findings.repeats += 1;
                } else {
                    self.findings.disordered += 1;
                    self.note(|| format!("{fact:?} comes after a later one, or as another"));
                }
                continue;
            }
            if previous != self.last {
                self.findings.faulty += 1;
                let last = self.last;
                self.note(|| format!("{fact:?} follows {previous:?} and not {last:?}"));
            }
            self.last = Some(fact.position);
            if self.known.len() == KNOWN {
                self.known.pop_front();
            }
            self.known.push_back((fact.position, content));
            return Some(fact);
        }
    }

    fn arrival(&mut self) -> Option<Envelope> {
        loop {
            if let Some(arrival) = self.taken.next() {
                return Some(arrival);
            }
            self.taken = self.arrivals.recv().ok()?.into_iter();
        }
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        self.flaw.get_or_insert_with(what);
    }
}

fn content(fact: &Fact) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&fact.id, &fact.event_type, &fact.subject, &fact.data).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::{Envelope, Findings, Lane};
    use crate::Fact;

    fn fact(position: i64) -> Fact {
        Fact {
            position,
            id: position.to_string(),
            event_type: "order.placed".to_owned(),
            subject: "subject".to_owned(),
            data: "{}".to_owned(),
        }
    }

    /// A lane with records of these positions, each after the one with that position, and
    /// how many of the facts 1, 4 and 5 are found in it.
    fn judged(records: &[(i64, Option<i64>)]) -> (usize, Findings) {
        let (hand_over, arrivals) = sync_channel(1);
        let of = |(position, previous): &(i64, Option<i64>)| Ok((fact(*position), *previous));
        let records: Vec<Envelope> = records.iter().map(of).collect();
        hand_over.send(records).unwrap();
        drop(hand_over);
        let mut lane = Lane::of(arrivals);
        let log = [fact(1), fact(4), fact(5)];
        let found = log.iter().filter(|fact| lane.take(fact)).count();
        lane.finish();
        (found, lane.findings)
    }

    const WHOLE: [(i64, Option<i64>); 3] = [(1, None), (4, Some(1)), (5, Some(4))];

    #[test]
    fn a_whole_lane_with_repeats_is_whole() {
        assert_eq!(judged(&WHOLE), (3, Findings::default()));
        let mut repeating = WHOLE.to_vec();
        repeating.extend([(4, Some(1)), (5, Some(4))]);
        let (found, findings) = judged(&repeating);
        assert_eq!((found, findings.repeats, findings.faulty), (3, 2, 0));
    }

    #[test]
    fn what_is_lost_is_missed_and_breaks_the_chain() {
        let (found, findings) = judged(&[(1, None), (5, Some(4))]);
        assert_eq!((found, findings.faulty), (2, 1));
        let (found, _) = judged(&WHOLE[..2]);
        assert_eq!(found, 2, "a lost end is missed, too");
    }

    #[test]
    fn what_is_out_of_order_or_of_nobody_is_found() {
        let (_, findings) = judged(&[(1, None), (5, Some(4)), (4, Some(1))]);
        assert_eq!((findings.disordered, findings.repeats), (1, 0));
        let (found, findings) = judged(&[(1, None), (3, Some(1)), (4, Some(3)), (5, Some(4))]);
        assert_eq!((found, findings.faulty), (3, 1));
    }
}
