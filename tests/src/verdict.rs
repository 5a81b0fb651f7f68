//! The judges: what was sent against the log, the log against Kafka, the log against
//! the tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{self, Outcome};
use crate::log::parked;
use crate::{Chain, Database, Fact, History, ORDERS, Project, check_chain, fold};
use crate::{read_log, read_rows, read_topic};

/// The log holds everything that was acknowledged, once, as it was sent; nothing that
/// was refused; what nobody knows at most once; and nothing else. Its positions go from
/// 1 without a gap, and events of one subject stand in the order in which they were sent,
/// where that is known. Returns the log.
pub async fn check_history(project: &Project, history: &History) -> Vec<Fact> {
    let log = read_log(&project.database).await;
    compare(history, &log).unwrap_or_else(|flaw| panic!("the log is not what was sent: {flaw}"));
    log
}

/// As [`check_history`], for several senders. The order of each is known that waits for
/// its answers.
pub async fn check_histories(project: &Project, histories: &[History]) -> Vec<Fact> {
    let log = read_log(&project.database).await;
    let mut all = History::default();
    histories.iter().for_each(|history| all.merge(history));
    let mut verdict = compare(&all, &log);
    for history in histories.iter().filter(|history| history.one_by_one) {
        let own: Vec<&Fact> = log.iter().filter(|fact| history.has(&fact.id)).collect();
        verdict = verdict.and_then(|()| in_order(own));
    }
    verdict.unwrap_or_else(|flaw| panic!("the log is not what was sent: {flaw}"));
    log
}

fn compare(history: &History, log: &[Fact]) -> Result<(), String> {
    let mut by_id: BTreeMap<&str, &Fact> = BTreeMap::new();
    for (expected, fact) in (1..).zip(log) {
        if fact.position != expected {
            return Err(format!("position {expected} is {}", fact.position));
        }
        if by_id.insert(&fact.id, fact).is_some() {
            return Err(format!("{} is there twice", fact.id));
        }
    }
    for sent in history.sent.values() {
        let found = by_id.remove(sent.id().as_str());
        match (&sent.outcome, found) {
            (Outcome::Ok, None) => return Err(format!("{} is lost", sent.id())),
            (Outcome::Refused(status), Some(_)) => {
                return Err(format!(
                    "{} was refused with {status}, and is there",
                    sent.id()
                ));
            }
            (_, Some(fact)) if !is_as_sent(fact, sent.number) => {
                return Err(format!("{} was sent otherwise: {fact:?}", sent.id()));
            }
            (_, Some(_) | None) => {}
        }
    }
    if let Some((id, _)) = by_id.into_iter().next() {
        return Err(format!("{id} was never sent"));
    }
    if history.one_by_one {
        in_order(log)?;
    }
    Ok(())
}

fn is_as_sent(fact: &Fact, number: u64) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    fact.event_type == history::event_type(number)
        && fact.subject == history::subject(number)
        && json(&fact.data) == json(&history::data(number))
}

fn in_order<'a>(log: impl IntoIterator<Item = &'a Fact>) -> Result<(), String> {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for fact in log {
        let data: Value = serde_json::from_str(&fact.data).expect("data is JSON");
        let number = data["number"].as_u64().expect("there is a number");
        let before = last.insert(&fact.subject, number);
        if before.is_some_and(|before| before > number) {
            return Err(format!("{} stands before an older one", fact.id));
        }
    }
    Ok(())
}

/// Kafka, as a foreign client reads it, holds the log: first occurrences complete and in
/// order with an unbroken chain in each partition, repeats known as such, keys and
/// partitions right, every value as it stands in the log. Returns how many repeats there
/// were.
pub fn check_kafka(project: &Project, log: &[Fact]) -> usize {
    let kafka = project.kafka();
    let mut repeats = 0;
    for (event_type, topic) in project.topics() {
        let records = read_topic(&kafka.brokers, topic);
        let chain = check_chain(&records, kafka.partitions)
            .unwrap_or_else(|flaw| panic!("{topic} breaks its promise: {flaw:?}"));
        let expected: Vec<&Fact> = log
            .iter()
            .filter(|fact| fact.event_type == event_type)
            .collect();
        assert_equal(topic, &chain, &expected);
        repeats += chain.repeats;
    }
    repeats
}

fn assert_equal(topic: &str, chain: &Chain, expected: &[&Fact]) {
    let differs = chain
        .first
        .iter()
        .zip(expected)
        .find(|(found, expected)| found != *expected);
    assert!(
        differs.is_none() && chain.first.len() == expected.len(),
        "{topic} is not the log: {} first occurrences of {}, the first that differs: {differs:?}",
        chain.first.len(),
        expected.len()
    );
}

/// The table that [`tally`](crate::tally) keeps is the fold of the log.
pub async fn check_table(target: &Database, table: &str, log: &[Fact]) {
    let orders = log.iter().filter(|fact| fact.event_type == ORDERS);
    let expected = fold(orders, |fact, _| fact.subject.clone());
    assert_rows(target, table, &expected).await;
}

/// As [`check_table`], where the events that no table has room for were skipped.
pub async fn check_table_without_poison(target: &Database, table: &str, log: &[Fact]) {
    let orders = log
        .iter()
        .filter(|fact| fact.event_type == ORDERS && !fact.is_poison());
    let expected = fold(orders, |fact, _| fact.subject.clone());
    assert_rows(target, table, &expected).await;
}

/// What waits in a projection is what must: of each subject everything from its first
/// event on that no table has room for, in order.
pub async fn check_parked(target: &Database, projection: &str, log: &[Fact]) {
    let mut blocked = BTreeSet::new();
    let expected: Vec<i64> = log
        .iter()
        .filter(|fact| fact.event_type == ORDERS)
        .filter(|fact| {
            if fact.is_poison() {
                blocked.insert(fact.subject.clone());
            }
            blocked.contains(&fact.subject)
        })
        .map(|fact| fact.position)
        .collect();
    let found = parked(target, projection).await;
    assert_eq!(found, expected, "what is parked is not what must wait");
}

/// The table that [`tally_in_line`](crate::tally_in_line) keeps is the fold of the log.
pub async fn check_table_in_line(target: &Database, table: &str, log: &[Fact]) {
    let expected = fold(log, |_, data| {
        data["sku"].as_str().unwrap_or_default().to_owned()
    });
    assert_rows(target, table, &expected).await;
}

async fn assert_rows(target: &Database, table: &str, expected: &BTreeMap<String, crate::Row>) {
    let found = read_rows(target, table).await;
    for (key, row) in expected {
        assert_eq!(found.get(key), Some(row), "row {key} of {table}");
    }
    assert_eq!(found.len(), expected.len(), "{table} has rows of nobody");
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::compare;
    use crate::history::{self, Outcome};
    use crate::{Fact, History};

    fn fact(position: i64, number: u64) -> Fact {
        Fact {
            position,
            id: history::id(number),
            event_type: history::event_type(number).to_owned(),
            subject: history::subject(number),
            data: history::data(number),
        }
    }

    fn history(outcomes: &[Outcome]) -> History {
        let mut history = History::one_by_one();
        for (number, outcome) in (1..).zip(outcomes) {
            history.invoke(number, Instant::now());
            history.answer(number, outcome.clone());
        }
        history
    }

    fn refused() -> Outcome {
        Outcome::Refused(422)
    }

    #[test]
    fn what_was_acknowledged_must_be_there_and_what_is_unknown_may() {
        let unknown = Outcome::Unknown("cut".to_owned());
        let history = history(&[Outcome::Ok, unknown, refused()]);
        compare(&history, &[fact(1, 1), fact(2, 2)]).unwrap();
        compare(&history, &[fact(1, 1)]).unwrap();
        assert_eq!(
            compare(&history, &[fact(1, 2)]).unwrap_err(),
            "event-1 is lost"
        );
        let all = [fact(1, 1), fact(2, 2), fact(3, 3)];
        assert!(compare(&history, &all).is_err(), "a refused one is there");
    }

    #[test]
    fn twice_elsewhere_otherwise_and_never_sent_are_found() {
        let history = history(&[Outcome::Ok]);
        for log in [
            vec![fact(1, 1), fact(2, 1)],
            vec![fact(2, 1)],
            vec![fact(1, 1), fact(2, 9)],
            vec![Fact {
                data: history::data(2),
                ..fact(1, 1)
            }],
        ] {
            assert!(compare(&history, &log).is_err(), "{log:?}");
        }
    }

    #[test]
    fn events_of_a_subject_in_another_order_are_found() {
        let history = history(&[Outcome::Ok, Outcome::Ok]);
        assert_eq!(history::subject(1), history::subject(2));
        compare(&history, &[fact(1, 1), fact(2, 2)]).unwrap();
        assert!(compare(&history, &[fact(1, 2), fact(2, 1)]).is_err());
    }
}
