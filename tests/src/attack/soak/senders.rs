//! The senders of a soak. Each has its own subjects, and numbers its events in the order
//! in which it sends them, one batch after the other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::event::Tag;
use super::load::Load;
use super::told::Told;
use crate::attack::late_transaction::{NewRow, Numbered, late_transaction, pause};
use crate::history::Outcome;
use crate::http_load::{Sender, cloud_event};
use crate::{Database, Project};

/// Senders over HTTP, and sessions that write into the log.
const BY_HTTP: usize = 8;
const BY_SQL: usize = 4;
/// All of them.
const SENDERS: usize = BY_HTTP + BY_SQL;
/// Events in a request.
const TOGETHER: u64 = 100;
/// The most events in a transaction.
const MOST_IN_TRANSACTION: u64 = 150;
/// Of so many requests one is broken, and one is sent again though it was acknowledged.
const BROKEN: u64 = 50;
const AGAIN: u64 = 20;
/// The rest before a request is repeated that nobody answered.
const REST: Duration = Duration::from_millis(50);

/// Everybody who sends.
pub(super) struct Senders {
    tasks: JoinSet<(usize, Told)>,
    told: BTreeMap<usize, Told>,
}

impl Senders {
    pub(super) fn start(project: &Project, load: &Arc<Load>, seed: u64) -> Self {
        let mut tasks = JoinSet::new();
        let api = Sender::by_api(project.listen, &project.key());
        for sender in 0..BY_HTTP {
            let (api, load) = (api.clone(), Arc::clone(load));
            tasks.spawn(async move { (sender, by_http(sender, &api, &load).await) });
        }
        for sender in BY_HTTP..SENDERS {
            let (database, load) = (project.database.clone(), Arc::clone(load));
            let random = StdRng::seed_from_u64(seed ^ sender as u64);
            tasks.spawn(async move { (sender, by_sql(sender, &database, &load, random).await) });
        }
        Self {
            tasks,
            told: BTreeMap::new(),
        }
    }

    /// Whether everybody has come to an end. One that failed fails the soak.
    pub(super) fn are_through(&mut self) -> bool {
        while let Some(ended) = self.tasks.try_join_next() {
            let (sender, told) = ended.expect("senders do not fail");
            self.told.insert(sender, told);
        }
        self.tasks.is_empty()
    }

    /// What each of those was told that are through, in the order of their numbers.
    pub(super) fn told(self) -> Vec<Told> {
        self.told.into_values().collect()
    }
}

/// One batch after the other. One that nobody answers is sent again, as it is, until
/// somebody does: its keys make it one.
async fn by_http(sender: usize, api: &Sender, load: &Load) -> Told {
    let mut told = Told::default();
    for batch in 0.. {
        if load.is_enough() {
            break;
        }
        load.room().await;
        let numbers = batch * TOGETHER + 1..(batch + 1) * TOGETHER + 1;
        let is_broken = batch % BROKEN == 7;
        let events = events(sender, numbers.clone(), is_broken);
        match until_answered(api, load, &events).await {
            Outcome::Ok if is_broken => panic!("broken data were acknowledged"),
            Outcome::Ok => {
                numbers.for_each(|number| {
                    told.acknowledged.insert(number);
                });
                load.acknowledge(TOGETHER);
                if batch % AGAIN == 3 {
                    let outcome = until_answered(api, load, &events).await;
                    assert!(outcome == Outcome::Ok, "a repeat is told {outcome:?}");
                }
            }
            Outcome::Refused(422) if is_broken => {
                numbers.for_each(|number| {
                    told.refused.insert(number);
                });
                load.refuse(TOGETHER);
            }
            other => panic!("a batch that is well is told {other:?}"),
        }
    }
    told
}

async fn until_answered(api: &Sender, load: &Load, events: &[String]) -> Outcome {
    loop {
        match api.send_batch(events).await {
            Outcome::Invoked | Outcome::Unavailable { .. } | Outcome::Unknown(_) => {
                load.lose_sight(TOGETHER);
                tokio::time::sleep(REST).await;
            }
            answer => return answer,
        }
    }
}

/// The last of them breaks its schema, if they are to be refused.
fn events(sender: usize, numbers: Range<u64>, is_broken: bool) -> Vec<String> {
    let last = numbers.end - 1;
    let event = |number| {
        let tag = Tag { sender, number };
        let data = if is_broken && number == last {
            tag.broken_data()
        } else {
            tag.data()
        };
        cloud_event(&tag.id(), tag.event_type(), &tag.subject(), &data)
    };
    numbers.map(event).collect()
}

/// One transaction after the other, some late, some rolled back. What nobody knows is not
/// sent again: nothing would make it one.
async fn by_sql(sender: usize, database: &Database, load: &Load, mut random: StdRng) -> Told {
    let mut told = Told::default();
    let mut next = 1;
    while !load.is_enough() {
        let Ok(mut session) = database.try_connect().await else {
            pause(&mut random, 50).await;
            continue;
        };
        while !load.is_enough() {
            load.room().await;
            let count = random.random_range(1..=MOST_IN_TRANSACTION);
            let numbers = next..next + count;
            next = numbers.end;
            let rows = numbers.clone().map(|number| row(Tag { sender, number }));
            let numbered = if random.random_bool(0.3) {
                Numbered::Early
            } else {
                Numbered::AtOnce
            };
            match late_transaction(&mut session, &mut random, &rows.collect(), numbered).await {
                Ok(true) => {
                    numbers.for_each(|number| {
                        told.acknowledged.insert(number);
                    });
                    load.acknowledge(count);
                }
                Ok(false) => {
                    numbers.for_each(|number| {
                        told.refused.insert(number);
                    });
                    load.refuse(count);
                }
                Err(_) => {
                    load.lose_sight(count);
                    break;
                }
            }
        }
    }
    told
}

fn row(tag: Tag) -> NewRow {
    NewRow {
        id: tag.id(),
        event_type: tag.event_type().to_owned(),
        subject: tag.subject(),
        data: tag.data(),
    }
}
