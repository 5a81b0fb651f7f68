//! The outcomes of the last calls.

/// How many calls are remembered.
const LENGTH: u32 = 20;
/// How many of them must have been made before a share of failures says anything.
const ENOUGH: u32 = 5;
/// So many failures in a row say it all.
const IN_A_ROW: u32 = 5;

/// The last calls, a bit each: set for a failure, the newest lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Window {
    failures: u32,
    calls: u32,
}

impl Window {
    pub(super) const fn add(&mut self, failed: bool) {
        let mask = (1 << LENGTH) - 1;
        self.failures = ((self.failures << 1) | failed as u32) & mask;
        if self.calls < LENGTH {
            self.calls += 1;
        }
    }

    /// Whether the receiver seems to be down: half of the calls failed, of five at least,
    /// or the last five did.
    pub(super) const fn is_down(self) -> bool {
        let half = self.failures.count_ones() * 2 >= self.calls;
        (self.calls >= ENOUGH && half) || self.failures.trailing_ones() >= IN_A_ROW
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    fn is_down(outcomes: &str) -> bool {
        let mut window = Window::default();
        for outcome in outcomes.chars() {
            window.add(outcome == 'x');
        }
        window.is_down()
    }

    #[test]
    fn half_of_at_least_five_or_five_in_a_row() {
        assert!(!is_down(""));
        assert!(!is_down("xxxx"));
        assert!(is_down("xxxxx"));
        assert!(is_down("..xxx"));
        assert!(!is_down("...xx"));
        assert!(is_down("...............xxxxx"));
        assert!(!is_down(".............x.xxxx"));
        assert!(is_down(".x.x.x.x.x.x.x.x.x.x"));
        assert!(!is_down(".x.x.x.x.x.x.x.x.x.."));
    }

    #[test]
    fn what_is_more_than_twenty_calls_ago_is_forgotten() {
        assert!(is_down("xxxxxxxxxx.........."));
        assert!(!is_down("xxxxxxxxxx..........."));
    }
}
