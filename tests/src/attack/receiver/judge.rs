//! The judges of a life with a receiver.

use std::collections::BTreeSet;
use std::time::Duration;

use super::COURIER;
use super::server::Receiver;
use super::tokens::TOKEN_LIFE;
use super::verdict::{Orders, one_key_each, pauses_were_kept};
use crate::Fact;
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::stage::Stage;
use crate::log::parked;

/// Tokens that nobody has to account for.
const SPARE_TOKENS: usize = 3;

impl Stage {
    pub(in crate::attack) async fn judge_receiver(&self, crew: &mut Crew<'_>, log: &[Fact]) {
        let Some(receiver) = &self.receiver else {
            return;
        };
        let notes = receiver.notes(Clone::clone);
        judging("every attempt at an event carries the one key of the event");
        flawless(one_key_each(&notes));
        let waiting = parked(&self.project.database, COURIER).await;
        let mut orders = Orders {
            all: log.iter().filter(|fact| fact.is_order()).collect(),
            waiting: waiting.iter().copied().collect(),
            skipped: BTreeSet::new(),
        };
        check_effects(&orders, receiver);
        judging("only what was refused for good waits, with those of its subject behind it");
        assert_eq!(waiting, behind_refused(&orders.all, receiver));
        judging("nobody calls within the pause that a receiver asked for");
        flawless(pauses_were_kept(&notes));
        judging("a token is asked for when the last one ends, and not by each caller");
        check_tokens(receiver, crew);
        orders.skipped = self.decide_on_refused(crew, receiver, &waiting).await;
        orders.waiting.clear();
        check_effects(&orders, receiver);
    }
}

fn check_effects(orders: &Orders<'_>, receiver: &Receiver) {
    judging("every order took effect at the receiver once, or waits, or was skipped");
    flawless(receiver.notes(|notes| orders.once(notes)));
    judging("events of a subject take effect at the receiver in the order of the log");
    flawless(receiver.notes(|notes| orders.in_order(notes)));
}

/// One for each life of a token, which is renewed when four fifths of it are over; one for
/// each start; and one for each call that was turned away.
fn check_tokens(receiver: &Receiver, crew: &Crew<'_>) {
    let lives = receiver
        .since
        .elapsed()
        .div_duration_f64(TOKEN_LIFE.mul_f64(0.8));
    let lives = Duration::from_secs_f64(lives).as_secs();
    let starts = 1 + crew.deaths as usize;
    let turned_away = receiver.notes(super::notes::Notes::turned_away);
    let most = usize::try_from(lives).unwrap_or(0) + starts + turned_away + SPARE_TOKENS;
    let given = receiver.tokens_given();
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
