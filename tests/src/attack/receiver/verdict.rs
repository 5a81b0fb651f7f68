//! The verdict over what a receiver has written down, against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::notes::{Call, Did, Notes};
use crate::Fact;

/// How long calls may still come that were under way when the receiver asked for a pause:
/// the machine is busy, and the hub has to read the answer first.
const UNDER_WAY: Duration = Duration::from_millis(500);

/// The orders of a log, and those among them that must not have taken effect.
pub(super) struct Orders<'l> {
    pub(super) all: Vec<&'l Fact>,
    /// Positions of those that wait.
    pub(super) waiting: BTreeSet<i64>,
    /// Positions of those that were skipped.
    pub(super) skipped: BTreeSet<i64>,
}

impl Orders<'_> {
    fn takes_effect(&self, order: &Fact) -> bool {
        !self.waiting.contains(&order.position) && !self.skipped.contains(&order.position)
    }

    /// Every order took effect once, or waits, or was skipped; and nothing else took effect.
    pub(super) fn once(&self, calls: &[&Call]) -> Result<(), String> {
        let mut acted = BTreeSet::new();
        for effect in effects(calls) {
            if !acted.insert(effect.id.as_str()) {
                return Err(format!("{} took effect under two keys", effect.id));
            }
        }
        for order in &self.all {
            let (id, position) = (&order.id, order.position);
            match (acted.remove(id.as_str()), self.takes_effect(order)) {
                (true, true) | (false, false) => {}
                (true, false) => return Err(format!("{id} at {position} took effect, and waits")),
                (false, true) => return Err(format!("{id} at {position} is lost")),
            }
        }
        match acted.first() {
            Some(id) => Err(format!("{id} is no order of the log")),
            None => Ok(()),
        }
    }

    /// Those of a subject took effect in the order of the log.
    pub(super) fn in_order(&self, calls: &[&Call]) -> Result<(), String> {
        let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for order in self.all.iter().filter(|order| self.takes_effect(order)) {
            expected.entry(&order.subject).or_default().push(&order.id);
        }
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for effect in effects(calls) {
            found.entry(&effect.subject).or_default().push(&effect.id);
        }
        for (subject, ids) in found {
            let expected = expected.remove(subject).unwrap_or_default();
            let differs = ids.iter().zip(&expected).find(|(id, other)| id != other);
            if let Some((id, other)) = differs {
                return Err(format!("{id} of {subject} took effect before {other}"));
            }
        }
        Ok(())
    }
}

fn effects<'n>(calls: &[&'n Call]) -> impl Iterator<Item = &'n Call> {
    calls.iter().copied().filter(|call| call.did == Did::Act)
}

/// Every attempt at an event carried the same key, and no other event's.
pub(super) fn one_key_each(calls: &[&Call]) -> Result<(), String> {
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for call in calls {
        let key = *keys.entry(&call.id).or_insert(&call.key);
        let id = *ids.entry(&call.key).or_insert(&call.id);
        if key != call.key || id != call.id || key.is_empty() {
            return Err(format!(
                "{} came under {}, and {id} under {key}",
                call.id, call.key
            ));
        }
    }
    Ok(())
}

/// Nobody called while the receiver had asked for a pause.
pub(super) fn pauses_were_kept(notes: &Notes) -> Result<(), String> {
    for throttling in &notes.throttlings {
        let quiet_from = throttling.from + UNDER_WAY;
        let until = throttling.from + throttling.pause;
        let mut within = notes.calls.iter();
        if let Some(call) = within.find(|call| call.at > quiet_from && call.at < until) {
            let after = call.at - throttling.from;
            return Err(format!(
                "{} came {after:?} after a pause of {:?} was asked for",
                call.id, throttling.pause
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use super::super::calls::Calls;
    use super::super::notes::{Call, Notes, Throttling};
    use super::{Orders, one_key_each, pauses_were_kept};
    use crate::Fact;

    /// Of one subject, by position.
    fn log(ids: &[&str]) -> Vec<Fact> {
        let facts = (1..).zip(ids).map(|(position, id)| Fact {
            position,
            id: (*id).to_owned(),
            event_type: crate::ORDERS.to_owned(),
            subject: "order-1".to_owned(),
            data: "{}".to_owned(),
        });
        facts.collect()
    }

    fn orders<'l>(log: &'l [Fact], waiting: &[i64], skipped: &[i64]) -> Orders<'l> {
        Orders {
            all: log.iter().collect(),
            waiting: waiting.iter().copied().collect(),
            skipped: skipped.iter().copied().collect(),
        }
    }

    /// What came, as id and key, a second after the other.
    fn notes(came: &[(&str, &str)]) -> Notes {
        let (mut notes, begin) = (Notes::default(), Instant::now());
        for (second, (id, key)) in (0..).zip(came) {
            let did = notes.act(key);
            notes.calls.push(Call {
                at: begin + Duration::from_secs(second),
                key: (*key).to_owned(),
                id: (*id).to_owned(),
                subject: "order-1".to_owned(),
                did,
            });
        }
        notes
    }

    fn calls(notes: &Notes) -> Vec<&Call> {
        notes.calls.iter().collect()
    }

    #[test]
    fn what_is_lost_or_twice_or_of_nobody_is_found() {
        let log = log(&["a", "b", "c"]);
        let all = orders(&log, &[], &[]);
        let came = notes(&[("a", "1"), ("a", "1"), ("b", "2"), ("c", "3")]);
        let came = calls(&came);
        all.once(&came).unwrap();
        all.in_order(&came).unwrap();
        assert!(orders(&log, &[3], &[]).once(&came).is_err(), "it waits");
        let two = notes(&[("a", "1"), ("b", "2")]);
        let two = calls(&two);
        assert_eq!(all.once(&two).unwrap_err(), "c at 3 is lost");
        orders(&log, &[3], &[]).once(&two).unwrap();
        orders(&log, &[], &[3]).once(&two).unwrap();
        for wrong in [
            &[("a", "1"), ("a", "9"), ("b", "2"), ("c", "3")],
            &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")],
        ] {
            assert!(all.once(&calls(&notes(wrong))).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn another_order_is_found_and_so_is_another_key() {
        let log = log(&["a", "b", "c"]);
        let came = notes(&[("a", "1"), ("c", "3"), ("b", "2")]);
        let came = calls(&came);
        assert!(orders(&log, &[], &[]).in_order(&came).is_err());
        one_key_each(&came).unwrap();
        for wrong in [
            &[("a", "1"), ("a", "2")][..],
            &[("a", "1"), ("b", "1")],
            &[("a", "")],
        ] {
            assert!(one_key_each(&calls(&notes(wrong))).is_err(), "{wrong:?}");
        }
        let skipped = BTreeSet::from([2]);
        let without = notes(&[("a", "1"), ("c", "3")]);
        let orders = Orders {
            skipped,
            ..orders(&log, &[], &[])
        };
        orders.in_order(&calls(&without)).unwrap();
    }

    #[test]
    fn what_a_replay_brings_is_judged_by_itself() {
        let log = log(&["a", "b", "c"]);
        let (all, selected) = (orders(&log, &[], &[]), orders(&log[1..], &[], &[]));
        let live = [("a", "1"), ("b", "2"), ("c", "3")];
        let replayed = BTreeSet::from(["b", "c"]);
        let judge = |again: &[(&str, &str)]| {
            let notes = notes(&[&live, again].concat());
            let calls = Calls::of(&notes, &replayed);
            one_key_each(&calls.live).and(all.once(&calls.live))?;
            one_key_each(&calls.again).and(selected.once(&calls.again))?;
            selected.in_order(&calls.again)
        };
        judge(&[("b", "8"), ("b", "8"), ("c", "9")]).unwrap();
        for wrong in [
            &[("b", "8")][..],
            &[("b", "2"), ("c", "3")],
            &[("c", "9"), ("b", "8")],
            &[("b", "8"), ("c", "9"), ("c", "10")],
            &[("a", "7"), ("b", "8"), ("c", "9")],
        ] {
            assert!(judge(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_call_in_a_pause_is_found_unless_it_was_under_way() {
        let mut came = notes(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let from = came.calls[1].at - Duration::from_millis(100);
        let pause = Duration::from_millis(1_050);
        came.throttlings.push(Throttling { from, pause });
        pauses_were_kept(&came).unwrap();
        came.throttlings[0].pause = Duration::from_secs(2);
        assert!(pauses_were_kept(&came).is_err());
    }
}
