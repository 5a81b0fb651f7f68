//! How long to wait before the next try.

use std::time::Duration;

/// Exponential waiting with proportional jitter: each wait doubles the one
/// before up to a maximum, and a random part of it is taken away, so that
/// callers which failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// Waits from `first`, doubling, to `max` at the most.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// The wait after failure number `attempt` (from 1), with `random` in 0..1
    /// choosing where between a half and the whole of it.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1_u32 << doublings).min(self.max);
        whole.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn doubles_to_the_maximum_and_jitters_between_half_and_whole() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        assert_eq!(backoff.wait(1, 1.0), Duration::from_millis(100));
        assert_eq!(backoff.wait(2, 1.0), Duration::from_millis(200));
        assert_eq!(backoff.wait(2, 0.0), Duration::from_millis(100));
        assert_eq!(backoff.wait(40, 1.0), Duration::from_secs(1));
    }
}
