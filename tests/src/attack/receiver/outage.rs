//! A receiver that is down, in every way: nobody listens, everybody is told 503, or nobody
//! is told anything.

use std::time::{Duration, Instant};

use super::COURIER;
use super::server::{Presence, Receiver};
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::life::{ATTACK_LIMIT, DRAINED, UNDER_ATTACK};
use crate::attack::stage::Stage;
use crate::log::parked;

/// The most calls in each way: those under way, and a look now and then.
pub(super) const FEW_CALLS: usize = 30;
/// Whether the hub knows that the receiver is down: its breaker is open.
const KNOWN: &str = "select count(*) from dragoman.halts where code = 'receiver_down'";

/// How a receiver is down.
pub(super) struct Outage {
    ways: &'static [Presence],
    /// How long in each way.
    lasts: Duration,
}

/// Over before an operator would hear of it.
pub(super) const SHORT: Outage = Outage {
    ways: &[Presence::Gone, Presence::Overloaded],
    lasts: Duration::from_millis(1_500),
};
/// Half a minute.
pub(super) const LONG: Outage = Outage {
    ways: &[Presence::Gone, Presence::Overloaded, Presence::Mute],
    lasts: Duration::from_secs(10),
};

impl Outage {
    /// The ways, in an order that follows from a seed.
    fn ways(&self, seed: u64) -> impl Iterator<Item = Presence> {
        let first = usize::try_from(seed % self.ways.len() as u64).unwrap_or(0);
        let ways = self.ways.iter().cycle().skip(first);
        ways.take(self.ways.len()).copied()
    }
}

impl Stage {
    pub(super) async fn outage(&self, crew: &mut Crew<'_>, receiver: &Receiver, outage: &Outage) {
        judging("while the receiver is down nothing is parked, and it is hardly called");
        for presence in outage.ways(receiver.seed) {
            receiver.be(presence);
            let (since, tries) = (Instant::now(), self.tries());
            self.until_nothing_was_parked_for(crew, outage.lasts).await;
            let calls = receiver.notes(|notes| notes.calls_since(since));
            let tries = self.tries() - tries;
            assert!(
                calls.max(tries) <= FEW_CALLS,
                "{calls} calls, {tries} tries in {:?} of an outage",
                outage.lasts
            );
            let known = self.project.database.number(KNOWN).await > 0;
            assert!(
                known || outage.lasts < LONG.lasts,
                "nobody knows that the receiver is down"
            );
        }
        self.until_caught_up(crew, || receiver.be(Presence::Open))
            .await;
    }

    /// Lets an outage last, in which nothing may be parked.
    pub(super) async fn until_nothing_was_parked_for(&self, crew: &mut Crew<'_>, time: Duration) {
        let since = Instant::now();
        crew.until("the outage has lasted", ATTACK_LIMIT, async || {
            let waiting = parked(&self.project.database, COURIER).await;
            assert!(waiting.is_empty(), "parked in an outage: {waiting:?}");
            since.elapsed() >= time
        })
        .await;
    }

    /// Heals an outage, after which everything that had come by then must be brought soon.
    pub(super) async fn until_caught_up(&self, crew: &mut Crew<'_>, heal: impl FnOnce()) {
        judging("everything that came in an outage is brought within 30 s after it");
        let ends = self.ends_of_partitions().await;
        heal();
        crew.until("the courier has caught up", DRAINED, async || {
            self.courier_is_done(&ends).await
        })
        .await;
        judging(UNDER_ATTACK);
    }
}
