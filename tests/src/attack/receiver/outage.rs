//! A receiver that is down, in both ways: nobody listens, or everybody is told 503.

use std::time::{Duration, Instant};

use super::COURIER;
use super::server::{Presence, Receiver};
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::life::{DRAINED, UNDER_ATTACK};
use crate::attack::stage::Stage;
use crate::log::parked;

/// How long it is down in each way.
const LASTS: Duration = Duration::from_millis(1_500);
/// The most calls meanwhile: those under way, and a look now and then.
const FEW_CALLS: usize = 30;

impl Stage {
    pub(super) async fn outage(&self, crew: &mut Crew<'_>, receiver: &Receiver) {
        judging("while the receiver is down nothing is parked, and it is hardly called");
        let mut ways = [Presence::Gone, Presence::Overloaded];
        if receiver.seed.is_multiple_of(2) {
            ways.reverse();
        }
        for presence in ways {
            receiver.be(presence);
            let since = Instant::now();
            crew.until("the outage has lasted", DRAINED, async || {
                let waiting = parked(&self.project.database, COURIER).await;
                assert!(waiting.is_empty(), "parked in an outage: {waiting:?}");
                since.elapsed() >= LASTS
            })
            .await;
            let calls = receiver.notes(|notes| notes.calls_since(since));
            assert!(
                calls <= FEW_CALLS,
                "{calls} calls in {LASTS:?} of an outage"
            );
        }
        receiver.be(Presence::Open);
        judging(UNDER_ATTACK);
    }
}
