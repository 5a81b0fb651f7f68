//! Sending at times that are fixed in advance: what is slow makes nothing wait that comes
//! behind it, and is measured from when it should have been sent.

use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::contest::Sample;

/// The times of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: Instant,
    interval: Duration,
}

impl Schedule {
    /// So many per second, from a moment that is about to come.
    pub(crate) fn of(rate: u32) -> Self {
        Self {
            start: Instant::now() + Duration::from_millis(200),
            interval: Duration::from_secs(1) / rate,
        }
    }

    /// When a number is to be sent.
    pub(crate) fn due(self, number: u64) -> Instant {
        self.start + self.interval * number as u32
    }
}

/// One sender of several, for whatever it needs to keep.
pub(crate) trait Sender: Send + 'static {
    /// Sends a number, and returns when that is done.
    fn send(&mut self, number: u64) -> impl Future<Output = ()> + Send;
}

/// Sends numbers by their schedule. There must be more senders than are busy at a time.
pub(crate) async fn send<S: Sender>(schedule: Schedule, numbers: Range<u64>, senders: Vec<S>) {
    let step = senders.len();
    let mut tasks = JoinSet::new();
    for (first, mut sender) in (numbers.start..).zip(senders) {
        let end = numbers.end;
        tasks.spawn(async move {
            for number in (first..end).step_by(step) {
                tokio::time::sleep_until(schedule.due(number).into()).await;
                sender.send(number).await;
            }
        });
    }
    tasks.join_all().await;
}

/// The middle, the hundredth and the thousandth of latencies, in milliseconds.
pub(crate) fn quantiles(mut latencies: Vec<Duration>) -> Sample {
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = (share * latencies.len() as f64).ceil() as usize;
        let latency = latencies.get(place.saturating_sub(1));
        latency.expect("something was sent").as_secs_f64() * 1e3
    };
    Sample::from([(P50, at(0.5)), (P99, at(0.99)), (P999, at(0.999))])
}

/// Half of the latencies are below it, in milliseconds.
pub(crate) const P50: &str = "p50_ms";
/// All but a hundredth.
pub(crate) const P99: &str = "p99_ms";
/// All but a thousandth.
pub(crate) const P999: &str = "p999_ms";
