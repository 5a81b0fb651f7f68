//! How long to rest between two looks at the log.

use std::time::Duration;

/// The rest after a look that found something.
const BUSY: Duration = Duration::from_millis(1);
/// The longest rest.
const IDLE: Duration = Duration::from_millis(250);

/// Rests that double from 1 ms to 250 ms for as long as nothing is found.
#[derive(Debug)]
pub(crate) struct Pace {
    rest: Duration,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self { rest: BUSY }
    }

    /// Something was found: look again soon.
    pub(crate) fn found(&mut self) {
        self.rest = BUSY;
    }

    /// Whether the longest rest is reached: time to sleep beside the doorbell.
    pub(crate) fn is_idle(&self) -> bool {
        self.rest == IDLE
    }

    /// The rest to take now, after nothing was found.
    pub(crate) fn rest(&mut self) -> Duration {
        let rest = self.rest;
        self.rest = (rest * 2).min(IDLE);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::{BUSY, IDLE, Pace};

    #[test]
    fn rests_grow_to_a_quarter_second_and_shrink_at_once() {
        let mut pace = Pace::new();
        let rests: Vec<u128> = (0..10).map(|_| pace.rest().as_millis()).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 64, 128, 250, 250]);
        assert_eq!(pace.rest(), IDLE);
        assert!(pace.is_idle());
        pace.found();
        assert!(!pace.is_idle());
        assert_eq!(pace.rest(), BUSY);
    }
}
