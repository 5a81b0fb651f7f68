//! Not calling more often than was agreed.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::Rate;

/// Lets calls through at a rate: evenly, with a burst of what a tenth of a second is worth
/// after a pause, and in the order in which they ask. One is shared by all who call the
/// same receiver.
///
/// It is the generic cell rate algorithm: a theoretical time of arrival that each call
/// moves on by an interval, and that may run ahead of the clock by the burst.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    ahead: Duration,
    /// When the next call would arrive if all kept to the rate. Held while one waits, so
    /// that the others stand in line behind it.
    arrival: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// One that has let nothing through yet.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            interval: rate.interval(),
            ahead: rate.interval() * (rate.burst() - 1),
            arrival: Mutex::new(None),
        }
    }

    /// Returns when the next call may go out. Who gives up waiting, by dropping the future,
    /// uses up nothing.
    pub async fn ready(&self) {
        let mut arrival = self.arrival.lock().await;
        let now = Instant::now();
        let mut expected = arrival.map_or(now, |arrival| arrival.max(now));
        if let Some(wait) = expected
            .duration_since(now)
            .checked_sub(self.ahead)
            .filter(|wait| !wait.is_zero())
        {
            sleep_until(now + wait).await;
            // A timer has the grain of a millisecond, and a machine may be late: what was
            // missed meanwhile is made up for within the burst.
            expected = expected.max(Instant::now());
        }
        *arrival = Some(expected + self.interval);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::time::{Instant, advance};

    use super::RateLimit;

    fn limit(rate: &str) -> RateLimit {
        RateLimit::new(rate.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limit = limit("100/s");
        let start = Instant::now();
        for _ in 0..10 {
            assert!(limit.ready().now_or_never().is_some());
        }
        assert!(limit.ready().now_or_never().is_none());
        for _ in 0..100 {
            limit.ready().await;
        }
        let taken = start.elapsed();
        assert!(
            taken >= Duration::from_millis(990) && taken <= Duration::from_millis(1010),
            "{taken:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_silence_earns_no_more_than_a_burst() {
        let limit = limit("100/s");
        limit.ready().await;
        advance(Duration::from_secs(3600)).await;
        let at_once = (0..50)
            .take_while(|_| limit.ready().now_or_never().is_some())
            .count();
        assert_eq!(at_once, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_uses_up_nothing() {
        let limit = limit("60/m");
        limit.ready().await;
        for _ in 0..100 {
            assert!(limit.ready().now_or_never().is_none());
        }
        let start = Instant::now();
        limit.ready().await;
        assert!(start.elapsed() <= Duration::from_millis(1010));
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_together_keep_to_the_rate() {
        let limit = Arc::new(limit("1200/m"));
        let start = Instant::now();
        let calls = (0..40).map(|_| {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move { limit.ready().await })
        });
        futures_util::future::join_all(calls).await;
        // 20 a second, two of them at once at the start.
        let taken = start.elapsed();
        assert!(
            taken >= Duration::from_millis(1895) && taken <= Duration::from_millis(1950),
            "{taken:?}"
        );
    }
}
