//! Inserts of ingest that provably wait: a session of ours holds their key. While they
//! wait their sessions are ended, or a second insert of the same key joins them.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{Holder, OWN_NUMBERS};
use crate::History;
use crate::attack::crew::Crew;
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;
use crate::history::{self, Outcome};
use crate::http_load::Sender;

/// How often each.
const ROUNDS: u64 = 3;
/// How long a second insert may take to join. One that asks first waits without end.
const JOINED: Duration = Duration::from_secs(3);

impl Stage {
    /// Cuts inserts off while they wait, and lets inserts of one key wait together.
    pub(in crate::attack) async fn hold_inserts(
        &self,
        crew: &mut Crew<'_>,
        sender: &Sender,
    ) -> History {
        let mut history = History::default();
        for number in OWN_NUMBERS..OWN_NUMBERS + ROUNDS {
            let outcome = self.cut_off(crew, sender, &mut history, number).await;
            history.answer(number, outcome);
        }
        for number in OWN_NUMBERS + ROUNDS..OWN_NUMBERS + 2 * ROUNDS {
            let outcome = self.send_together(crew, sender, &mut history, number).await;
            history.answer(number, outcome);
        }
        history
    }

    async fn cut_off(
        &self,
        crew: &mut Crew<'_>,
        sender: &Sender,
        history: &mut History,
        number: u64,
    ) -> Outcome {
        let (mut holder, sending) = self.hold(crew, sender, history, number).await;
        holder.end_those_who_wait().await;
        holder.let_go().await;
        sending.await.expect("senders do not fail")
    }

    async fn send_together(
        &self,
        crew: &mut Crew<'_>,
        sender: &Sender,
        history: &mut History,
        number: u64,
    ) -> Outcome {
        let (mut holder, first) = self.hold(crew, sender, history, number).await;
        let second = send(sender, number);
        let started = Instant::now();
        crew.until("a second one does, or none will", DRAINED, async || {
            started.elapsed() > JOINED || holder.waiting().await > 1
        })
        .await;
        holder.let_go().await;
        let one = first.await.expect("senders do not fail");
        let other = second.await.expect("senders do not fail");
        if one == Outcome::Ok { one } else { other }
    }

    /// Sends an event whose key is held, and returns when its insert waits.
    async fn hold(
        &self,
        crew: &mut Crew<'_>,
        sender: &Sender,
        history: &mut History,
        number: u64,
    ) -> (Holder, JoinHandle<Outcome>) {
        let mut holder = self.hold_key(sender, number).await;
        history.invoke(number, Instant::now());
        let sending = send(sender, number);
        crew.until("an insert waits", DRAINED, async || {
            holder.waiting().await > 0
        })
        .await;
        (holder, sending)
    }

    async fn hold_key(&self, sender: &Sender, number: u64) -> Holder {
        let key = format!(
            "insert into dragoman.event_keys (source, id, content_hash) values ('{}', '{}', '')",
            sender.source(),
            history::id(number)
        );
        Holder::of(&self.project.database, key).await
    }
}

fn send(sender: &Sender, number: u64) -> JoinHandle<Outcome> {
    let sender = sender.clone();
    tokio::spawn(async move { sender.send_as_is(number).await })
}
