//! Sessions that write into the log as applications do, some by `dragoman.publish()`:
//! sequence numbers and transaction ids taken long before, commits late, some rolled back. Events become visible in another
//! order than they were numbered in.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{Executor as _, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::history::{self, Outcome, POISONED_FROM};
use crate::sql_load::{SQL_SOURCE, publish};
use crate::{Database, History};

/// Numbers of the events of one writer.
const RANGE: u64 = 1_000_000;
/// A transaction with more events than this is written once, late and as a whole.
const LARGE: usize = 1_000;

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
        .transaction_of(&mut session, 5_000, true)
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
        while !stop.is_cancelled() {
            // A session that the server ended leaves its last transaction unknown.
            let Ok(mut session) = self.database.try_connect().await else {
                self.pause(50).await;
                continue;
            };
            while !stop.is_cancelled() && self.transaction(&mut session).await.is_ok() {}
        }
        self.history
    }

    async fn transaction(&mut self, session: &mut PgConnection) -> sqlx::Result<()> {
        let count = self.random.random_range(1..=12);
        let early = self.random.random_bool(0.3);
        self.transaction_of(session, count, early).await
    }

    async fn transaction_of(
        &mut self,
        session: &mut PgConnection,
        count: u64,
        early: bool,
    ) -> sqlx::Result<()> {
        let first = self.history.next_number();
        let numbers: Vec<u64> = (first..first + count).collect();
        for number in &numbers {
            self.history.invoke(*number, Instant::now());
        }
        let unknown = Outcome::Unknown("the session ended".to_owned());
        let ended = self.try_transaction(session, &numbers, early).await;
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

    /// Whether it was committed.
    async fn try_transaction(
        &mut self,
        session: &mut PgConnection,
        numbers: &[u64],
        early: bool,
    ) -> sqlx::Result<bool> {
        let seqs = take_numbers(session, numbers.len()).await?;
        if numbers.len() > LARGE {
            self.until_sealed_above(seqs.last().copied()).await;
        } else if early {
            self.pause(40).await;
        }
        session.execute("begin").await?;
        if self.random.random_bool(0.3) {
            session.execute("select pg_current_xact_id()").await?;
            self.pause(20).await;
        }
        if early || numbers.len() > LARGE || self.random.random_bool(0.5) {
            insert(session, numbers, &seqs).await?;
        } else {
            publish(session, numbers).await?;
        }
        self.pause(10).await;
        let commits = numbers.len() > LARGE || !self.random.random_bool(0.1);
        session
            .execute(if commits { "commit" } else { "rollback" })
            .await?;
        Ok(commits)
    }

    /// Waits until something is sealed above, so that all of it is late.
    async fn until_sealed_above(&self, seq: Option<i64>) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let high = "select max(high_seq) from dragoman.ledger";
        while Some(self.database.number(high).await) <= seq {
            assert!(Instant::now() < deadline, "nothing above {seq:?} is sealed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn pause(&mut self, most_milliseconds: u64) {
        let pause = self.random.random_range(0..=most_milliseconds);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Takes sequence numbers, to be used later.
pub(super) async fn take_numbers(
    session: &mut PgConnection,
    count: usize,
) -> sqlx::Result<Vec<i64>> {
    let take = "select nextval('dragoman.events_seq_seq') from generate_series(1, $1)";
    sqlx::query_scalar(take)
        .bind(i64::try_from(count).unwrap_or(0))
        .fetch_all(session)
        .await
}

/// Writes events into the log under sequence numbers that were taken before.
pub(super) async fn insert(
    session: &mut PgConnection,
    numbers: &[u64],
    seqs: &[i64],
) -> sqlx::Result<()> {
    let column = |of: fn(u64) -> String| numbers.iter().copied().map(of).collect::<Vec<_>>();
    sqlx::query(
        "with counted as (
             insert into dragoman.adapter_counts (adapter, received, stored, duplicate)
             values ('sql', cardinality($1::bigint[]), cardinality($1::bigint[]), 0)
         )
         insert into dragoman.events
             (seq, id, source, type, subject, subject_hash, time, adapter, content_type, data)
         overriding system value
         select seq, id, $6, type, subject, dragoman.subject_hash(subject), now(), 'sql',
                'application/json', data
         from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
              as event (seq, id, type, subject, data)
         order by seq",
    )
    .bind(seqs)
    .bind(column(history::id))
    .bind(column(|number| history::event_type(number).to_owned()))
    .bind(column(history::subject))
    .bind(column(history::data))
    .bind(SQL_SOURCE)
    .execute(session)
    .await
    .map(|_| ())
}
