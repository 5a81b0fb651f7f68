//! The judges of a life with a receiver.

use std::collections::BTreeSet;
use std::time::Duration;

use super::COURIER;
use super::calls::Calls;
use super::notes::Call;
use super::replayed::{Replayed, ids, replayed_among};
use super::server::Receiver;
use super::tokens::{TOKEN_LIFE, Tokens};
use super::verdict::{Orders, one_key_each, pauses_were_kept};
use crate::Fact;
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::stage::Stage;
use crate::log::parked;

/// How many replays were begun.
const BEGUN: &str = "select count(*) from dragoman_projection.replays where projection = 'courier'";
/// How many events those resent that came to their end.
const RESENT: &str = "select coalesce(sum(resent), 0)::bigint
     from dragoman_projection.replays where projection = 'courier' and state = 'done'";
/// Tokens that nobody has to account for.
const SPARE_TOKENS: usize = 3;

impl Stage {
    pub(in crate::attack) async fn judge_receiver(&self, crew: &mut Crew<'_>, log: &[Fact]) {
        let Some(receiver) = &self.receiver else {
            return;
        };
        let notes = receiver.notes(Clone::clone);
        let waiting = parked(&self.project.database, COURIER).await;
        let mut orders = Orders {
            all: log.iter().filter(|fact| fact.is_order()).collect(),
            waiting: waiting.iter().copied().collect(),
            skipped: BTreeSet::new(),
        };
        let replayed = self.replayed.lock().await.clone();
        let again = Orders {
            all: replayed_among(&orders.all, &replayed),
            waiting: BTreeSet::new(),
            skipped: BTreeSet::new(),
        };
        let calls = Calls::of(&notes, &ids(&again.all));
        judging("every attempt at an event carries the one key of the event");
        flawless(one_key_each(&calls.live));
        check_effects(&orders, &calls.live);
        if !replayed.is_empty() {
            check_replays(&again, &calls.again);
            self.check_account_of_replays(replayed.len(), again.all.len())
                .await;
        }
        judging("only what was refused for good waits, with those of its subject behind it");
        assert_eq!(waiting, behind_refused(&orders.all, receiver));
        judging("nobody calls within the pause that a receiver asked for");
        flawless(pauses_were_kept(&notes));
        judging("a token is asked for when the last one ends, and not by each caller");
        check_tokens(receiver, crew, &replayed);
        orders.skipped = self.decide_on_refused(crew, receiver, &waiting).await;
        orders.waiting.clear();
        let notes = receiver.notes(Clone::clone);
        check_effects(&orders, &Calls::of(&notes, &ids(&again.all)).live);
    }

    /// What the hub has written down of its replays.
    async fn check_account_of_replays(&self, replays: usize, orders: usize) {
        judging("a replay says what it has done");
        let database = &self.project.database;
        let begun = database.number(BEGUN).await;
        assert_eq!(usize::try_from(begun), Ok(replays), "replays were begun");
        let resent = database.number(RESENT).await;
        assert_eq!(usize::try_from(resent), Ok(orders), "orders were resent");
    }
}

fn check_effects(orders: &Orders<'_>, calls: &[&Call]) {
    judging("every order took effect at the receiver once, or waits, or was skipped");
    flawless(orders.once(calls));
    judging("events of a subject take effect at the receiver in the order of the log");
    flawless(orders.in_order(calls));
}

fn check_replays(selected: &Orders<'_>, calls: &[&Call]) {
    judging("what a replay selects takes effect once more, under one more key");
    flawless(one_key_each(calls));
    flawless(selected.once(calls));
    judging("what a replay brings again takes effect in the order of the log");
    flawless(selected.in_order(calls));
}

/// One for each life of a token, which is renewed when four fifths of it are over; one for
/// each start; and one for each call that was turned away. A replay has tokens of its own.
fn check_tokens(receiver: &Receiver, crew: &Crew<'_>, replayed: &[Replayed]) {
    let replaying: Duration = replayed.iter().map(|replay| replay.took).sum();
    let lives = receiver.since.elapsed() + replaying;
    let lives = lives.div_duration_f64(TOKEN_LIFE.mul_f64(0.8));
    let lives = Duration::from_secs_f64(lives).as_secs();
    let starts = 1 + replayed.len() + crew.deaths as usize;
    let turned_away = receiver.notes(super::notes::Notes::turned_away);
    let most = usize::try_from(lives).unwrap_or(0) + starts + turned_away + SPARE_TOKENS;
    let given = receiver.tokens(Tokens::given);
    assert!(
        given <= most,
        "{given} tokens, and no reason for more than {most}"
    );
}

/// The positions that must wait: of each subject everything from its first on that is
/// refused for good.
fn behind_refused(orders: &[&Fact], receiver: &Receiver) -> Vec<i64> {
    let mut blocked = BTreeSet::new();
    let waits = |order: &&&Fact| {
        if receiver.refuses(&order.id) {
            blocked.insert(order.subject.clone());
        }
        blocked.contains(&order.subject)
    };
    orders
        .iter()
        .filter(waits)
        .map(|order| order.position)
        .collect()
}

fn flawless(verdict: Result<(), String>) {
    verdict.unwrap_or_else(|flaw| panic!("{flaw}"));
}
