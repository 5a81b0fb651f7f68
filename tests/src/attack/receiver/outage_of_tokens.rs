//! Nobody gives tokens: nobody listens there, or everybody is told 503.

use std::time::{Duration, Instant};

use super::outage::FEW_CALLS;
use super::server::{Presence, Receiver};
use super::tokens::TOKEN_LIFE;
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::stage::Stage;

/// How long the last token is of use: until it ends, and a call may be under way then.
const LAST_TOKEN: Duration = TOKEN_LIFE.saturating_add(Duration::from_secs(1));
/// How long it lasts in each way after that.
const LASTS: Duration = Duration::from_secs(4);
/// How often at the most a token is asked for in each way: once a second.
const FEW: usize = 5;

impl Stage {
    pub(super) async fn outage_of_tokens(&self, crew: &mut Crew<'_>, receiver: &Receiver) {
        judging("while no tokens are given nothing is parked, and few are asked for");
        let mut ways = [Presence::Gone, Presence::Overloaded];
        if receiver.seed.is_multiple_of(2) {
            ways.reverse();
        }
        receiver.be_for_tokens(ways[0]);
        self.until_nothing_was_parked_for(crew, LAST_TOKEN).await;
        let ended = Instant::now();
        for presence in ways {
            receiver.be_for_tokens(presence);
            let (asked, tries) = (receiver.tokens(|tokens| tokens.asked), self.tries());
            self.until_nothing_was_parked_for(crew, LASTS).await;
            let asked = receiver.tokens(|tokens| tokens.asked) - asked;
            assert!(asked <= FEW, "{asked} tokens were asked for in {LASTS:?}");
            let tries = self.tries() - tries;
            assert!(tries <= FEW_CALLS, "{tries} tries in {LASTS:?}");
        }
        let calls = receiver.notes(|notes| notes.calls_since(ended));
        assert_eq!(calls, 0, "calls without a token");
        let healed = Instant::now();
        self.until_caught_up(crew, || receiver.be_for_tokens(Presence::Open))
            .await;
        judging("a token is asked for when the last one ends, and not by each caller");
        let given = receiver.tokens(|tokens| tokens.given_since(healed));
        assert!(!given.is_empty(), "brought without a token");
        let together = given
            .windows(2)
            .find(|two| two[1] - two[0] < TOKEN_LIFE / 2);
        assert!(together.is_none(), "two tokens at once: {together:?}");
    }
}
