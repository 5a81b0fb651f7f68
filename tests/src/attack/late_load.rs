//! Sessions that write into the log as applications do, some by `dragoman.publish()`:
//! sequence numbers and transaction ids taken long before, commits late, some rolled back.
//! Events become visible in another order than they were numbered in.

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::PgConnection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::late_transaction::{NewRow, Numbered, Rows, late_transaction, pause};
use super::rough_load::LIVELY;
use crate::history::{self, Outcome, POISONED_FROM};
use crate::{Database, History};

/// Numbers of the events of one writer.
const RANGE: u64 = 1_000_000;

/// Writers that go on until they are stopped.
pub(super) struct LateLoad {
    stop: CancellationToken,
    writers: Vec<JoinHandle<History>>,
}

impl LateLoad {
    pub(super) fn start(database: &Database, writers: u64, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let writers = (0..writers)
            .map(|number| {
                let writer = Writer {
                    database: database.clone(),
                    random: StdRng::seed_from_u64(seed ^ number),
                    history: History::one_by_one_from(POISONED_FROM + number * RANGE),
                };
                tokio::spawn(writer.write(stop.clone()))
            })
            .collect();
        Self { stop, writers }
    }

    pub(super) async fn stop(self) -> Vec<History> {
        self.stop.cancel();
        let mut histories = Vec::new();
        for writer in self.writers {
            histories.push(writer.await.expect("writers do not fail"));
        }
        histories
    }
}

/// One transaction with more events than a batch of the ledger holds, whose sequence
/// numbers were taken long before.
pub(super) async fn write_large(database: &Database, seed: u64) -> History {
    let mut writer = Writer {
        database: database.clone(),
        random: StdRng::seed_from_u64(seed),
        history: History::one_by_one_from(POISONED_FROM + 100 * RANGE),
    };
    let mut session = database.connect().await;
    writer
        .transaction_of(&mut session, 5_000, Numbered::UnderTheHead(database))
        .await
        .expect("nobody ends this session");
    writer.history
}

struct Writer {
    database: Database,
    random: StdRng,
    history: History,
}

impl Writer {
    async fn write(mut self, stop: CancellationToken) -> History {
        let started = Instant::now();
        while !stop.is_cancelled() {
            // A session that the server ended leaves its last transaction unknown.
            let Ok(mut session) = self.database.try_connect().await else {
                pause(&mut self.random, 50).await;
                continue;
            };
            while !stop.is_cancelled() && self.transaction(&mut session).await.is_ok() {
                if started.elapsed() > LIVELY {
                    pause(&mut self.random, 400).await;
                }
            }
        }
        self.history
    }

    async fn transaction(&mut self, session: &mut PgConnection) -> sqlx::Result<()> {
        let count = self.random.random_range(1..=12);
        let numbered = if self.random.random_bool(0.3) {
            Numbered::Early
        } else {
            Numbered::AtOnce
        };
        self.transaction_of(session, count, numbered).await
    }

    async fn transaction_of(
        &mut self,
        session: &mut PgConnection,
        count: u64,
        numbered: Numbered<'_>,
    ) -> sqlx::Result<()> {
        let first = self.history.next_number();
        let numbers: Vec<u64> = (first..first + count).collect();
        for number in &numbers {
            self.history.invoke(*number, Instant::now());
        }
        let unknown = Outcome::Unknown("the session ended".to_owned());
        let rows = rows(&numbers);
        let ended = late_transaction(session, &mut self.random, &rows, numbered).await;
        let outcome = match &ended {
            Ok(true) => Outcome::Ok,
            Ok(false) => Outcome::Refused(0),
            Err(_) => unknown,
        };
        for number in numbers {
            self.history.answer(number, outcome.clone());
        }
        ended.map(|_| ())
    }
}

/// The rows of events.
pub(super) fn rows(numbers: &[u64]) -> Rows {
    numbers.iter().copied().map(row).collect()
}

fn row(number: u64) -> NewRow {
    NewRow {
        id: history::id(number),
        event_type: history::event_type(number).to_owned(),
        subject: history::subject(number),
        data: history::data(number),
    }
}
