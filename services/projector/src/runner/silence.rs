//! Noticing a Kafka client that has stopped reading while there is something to read.
//!
//! librdkafka can lose a partition's leader for good
//! (<https://github.com/confluentinc/librdkafka/issues/5430>): nothing fails then, and
//! nothing comes. A new client works.

use std::time::{Duration, Instant};

/// How long nothing may come of a partition that holds more.
const LONGEST: Duration = Duration::from_secs(30);

/// Since when a partition has said nothing, though everybody was ready to listen.
#[derive(Debug)]
pub(super) struct Silence(Instant);

impl Silence {
    pub(super) fn since(now: Instant) -> Self {
        Self(now)
    }

    /// Something came, or could not have come because the readers were busy.
    pub(super) fn broken(&mut self, now: Instant) {
        self.0 = now;
    }

    /// Whether it has lasted too long, given that the partition holds more.
    pub(super) fn is_suspicious(&self, now: Instant) -> bool {
        now.duration_since(self.0) >= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{LONGEST, Silence};

    #[test]
    fn it_is_suspicious_after_half_a_minute_without_a_break() {
        let start = Instant::now();
        let mut silence = Silence::since(start);
        assert!(!silence.is_suspicious(start + LONGEST / 2));
        assert!(silence.is_suspicious(start + LONGEST));
        silence.broken(start + LONGEST / 2);
        assert!(!silence.is_suspicious(start + LONGEST));
        assert!(silence.is_suspicious(start + 2 * LONGEST));
    }
}
