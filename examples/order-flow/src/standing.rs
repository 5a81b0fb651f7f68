//! Where a system stands: what it should have, what it has by its own count, and what the
//! hub says of the rest. The verdict is made of nothing else.

use stage::table;

/// Where one system stands. Numbers are of events, texts are for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) system: String,
    /// How many events are for it, by what the world was acknowledged.
    pub(crate) wanted: u64,
    /// How many of them took effect, as the hub says.
    pub(crate) applied: u64,
    /// How many took effect, by the receiver's own count; `None`: it is no number, and
    /// `flaw` says what is wrong with it.
    pub(crate) effects: Option<u64>,
    pub(crate) parked: u64,
    pub(crate) skipped: u64,
    pub(crate) should: String,
    pub(crate) has: String,
    /// What is wrong with what it has, looked at thing by thing.
    pub(crate) flaw: Option<String>,
}

/// Where all of them stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standings(pub(crate) Vec<Standing>);

impl Standing {
    /// What is wrong; `None`: every event is where it should be.
    pub(crate) fn wrong(&self) -> Option<String> {
        if let Some(effects) = self.effects
            && effects != self.applied
        {
            return Some(format!(
                "{effects} effects, and {} by the hub's account",
                self.applied
            ));
        }
        let accounted = self.applied + self.parked + self.skipped;
        if accounted != self.wanted {
            return Some(format!("{} events off", accounted.abs_diff(self.wanted)));
        }
        self.flaw.clone()
    }
}

impl Standings {
    /// Whether every event is accounted for, be it parked.
    pub(crate) fn balance(&self) -> bool {
        self.0.iter().all(|standing| standing.wrong().is_none())
    }

    /// Whether every event took effect, but for those that an operator has skipped.
    pub(crate) fn settle(&self, skipped: u64) -> bool {
        let sum = |count: fn(&Standing) -> u64| self.0.iter().map(count).sum::<u64>();
        self.balance() && sum(|it| it.parked) == 0 && sum(|it| it.skipped) == skipped
    }

    /// For people.
    pub(crate) fn show(&self) -> String {
        let head = [
            "system",
            "should have",
            "has, by its own count",
            "parked",
            "skipped",
            "",
        ];
        let rows = self.0.iter().map(|standing| {
            [
                standing.system.clone(),
                standing.should.clone(),
                standing.has.clone(),
                standing.parked.to_string(),
                standing.skipped.to_string(),
                standing.wrong().unwrap_or_else(|| "✓".to_owned()),
            ]
        });
        table(head, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, Standings};

    fn good() -> Standing {
        Standing {
            wanted: 10,
            applied: 7,
            effects: Some(7),
            parked: 2,
            skipped: 1,
            ..Standing::default()
        }
    }

    #[test]
    fn what_is_applied_parked_or_skipped_is_accounted_for() {
        let standings = Standings(vec![good(), good()]);
        assert!(standings.balance());
        assert!(standings.show().contains('✓'));
    }

    #[test]
    fn every_wrong_number_turns_it_red() {
        let wrong: [fn(&mut Standing); 8] = [
            |it| it.wanted += 1,
            |it| it.wanted -= 1,
            |it| it.applied += 1,
            |it| it.effects = Some(8),
            |it| it.effects = Some(6),
            |it| it.parked -= 1,
            |it| it.skipped += 1,
            |it| it.flaw = Some("done twice".to_owned()),
        ];
        for (number, spoil) in wrong.iter().enumerate() {
            let mut spoilt = good();
            spoil(&mut spoilt);
            assert!(spoilt.wrong().is_some(), "{number}");
            let standings = Standings(vec![good(), spoilt]);
            assert!(!standings.balance(), "{number}");
        }
    }

    #[test]
    fn an_effect_too_many_is_not_made_good_by_one_that_is_parked() {
        let mut spoilt = good();
        spoilt.effects = Some(8);
        spoilt.parked -= 1;
        assert!(spoilt.wrong().is_some());
    }

    #[test]
    fn in_the_end_nothing_is_parked_and_nothing_skipped_but_by_an_operator() {
        let standings = |parked, skipped| {
            let standing = Standing {
                parked,
                skipped,
                wanted: 7 + parked + skipped,
                ..good()
            };
            Standings(vec![standing])
        };
        assert!(standings(0, 1).settle(1));
        assert!(!standings(0, 1).settle(0), "nobody has skipped it");
        assert!(!standings(0, 0).settle(1), "what was skipped took effect");
        assert!(!standings(1, 1).settle(1), "one still waits");
    }
}
