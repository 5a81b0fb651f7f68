//! Events that become visible late while nothing at all is in flight: their sequence
//! number is taken, something above it is sealed with a snapshot in which no transaction
//! runs, and only then their transaction begins.

use std::time::Instant;

use sqlx::PgConnection;

use super::OWN_NUMBERS;
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::late_load::rows;
use crate::attack::late_transaction::{insert, take_numbers};
use crate::attack::life::{DRAINED, UNDER_ATTACK};
use crate::attack::stage::Stage;
use crate::history::Outcome;
use crate::{Database, History};

/// How often.
const ROUNDS: u64 = 3;
/// Between the numbers of a round: each event has a subject of its own.
const APART: u64 = 4;

impl Stage {
    /// Nobody else may write meanwhile.
    pub(in crate::attack) async fn become_visible_late(&self, crew: &mut Crew<'_>) -> History {
        let mut quiet = Quiet {
            database: self.project.database.clone(),
            session: self.project.database.connect().await,
            history: History::default(),
        };
        for round in 0..ROUNDS {
            quiet.round(crew, OWN_NUMBERS + 1 + round * 4 * APART).await;
        }
        quiet.history
    }
}

struct Quiet {
    database: Database,
    session: PgConnection,
    history: History,
}

impl Quiet {
    async fn round(&mut self, crew: &mut Crew<'_>, late: u64) {
        let late_seq = self.take().await;
        let started = Instant::now();
        for above in 1.. {
            assert!(started.elapsed() < DRAINED, "something is always in flight");
            let seq = self.store(late + APART * 10 * above).await;
            self.until_sealed(crew, seq).await;
            if self.nothing_was_in_flight().await {
                break;
            }
        }
        self.store_as(late, late_seq).await;
        let next = self.store(late + APART).await;
        self.until_sealed(crew, next).await;
        judging("what becomes visible late is sealed, once, with what comes next");
        let sealed = self.times_sealed(late_seq).await;
        assert!(
            sealed == 1,
            "seq {late_seq} is sealed {sealed} times when {next} is"
        );
        judging(UNDER_ATTACK);
    }

    async fn take(&mut self) -> i64 {
        let taken = take_numbers(&mut self.session, 1).await;
        taken.expect("a number can be taken")[0]
    }

    async fn store(&mut self, number: u64) -> i64 {
        let seq = self.take().await;
        self.store_as(number, seq).await;
        seq
    }

    async fn store_as(&mut self, number: u64, seq: i64) {
        self.history.invoke(number, Instant::now());
        insert(&mut self.session, &rows(&[number]), &[seq])
            .await
            .expect("an event can be stored");
        self.history.answer(number, Outcome::Ok);
    }

    async fn until_sealed(&self, crew: &mut Crew<'_>, seq: i64) {
        let high = "select coalesce(max(high_seq), 0) from dragoman.ledger";
        crew.until("it is sealed", DRAINED, async || {
            self.database.number(high).await >= seq
        })
        .await;
    }

    async fn nothing_was_in_flight(&self) -> bool {
        let last = "select case when snapshot::text like '%:' then 1 else 0 end::bigint
                    from dragoman.ledger order by batch desc limit 1";
        self.database.number(last).await == 1
    }

    async fn times_sealed(&self, seq: i64) -> i64 {
        let times =
            format!("select count(*) from dragoman.sealed_events where batch > 0 and seq = {seq}");
        self.database.number(&times).await
    }
}
