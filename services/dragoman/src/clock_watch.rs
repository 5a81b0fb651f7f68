//! Beginning anew when the clock is set back.
//!
//! librdkafka waits by the time of day (librdkafka#2145): set back by an hour while it
//! waits, its threads sleep for an hour, send no heartbeat and look at nothing. No call
//! of it wakes them all. A process may die at any line and begins where it stood, so it
//! takes its own place: the same program, the same arguments, the same process id.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::failure::Failure;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// Waits get longer by what the clock is set back; so much does no harm.
const HARMLESS: Duration = Duration::from_secs(5);

/// Watches the clock for as long as the process lives.
///
/// # Errors
/// When there can be no further thread.
pub(crate) fn watch() -> Result<(), Failure> {
    let watching = std::thread::Builder::new()
        .name("clock".to_owned())
        .spawn(|| {
            let mut before = Look::now();
            loop {
                std::thread::sleep(LOOK);
                let now = Look::now();
                let back = now.set_back_since(&before);
                if back > HARMLESS {
                    begin_anew(back);
                }
                before = now;
            }
        });
    watching.map(|_detached| ()).map_err(|error| {
        Failure::failed(
            format!("no thread could be started to watch the clock: {error}"),
            "look at the limits of this user (ulimit -u)",
        )
    })
}

/// The time of day, and a clock that nobody sets.
struct Look {
    day: SystemTime,
    steady: Instant,
}

impl Look {
    fn now() -> Self {
        Self {
            day: SystemTime::now(),
            steady: Instant::now(),
        }
    }

    /// By how much the clock was set back.
    fn set_back_since(&self, before: &Self) -> Duration {
        let passed = self.steady.duration_since(before.steady);
        match self.day.duration_since(before.day) {
            Ok(shown) => passed.saturating_sub(shown),
            Err(earlier) => passed + earlier.duration(),
        }
    }
}

fn begin_anew(back: Duration) {
    tracing::warn!(
        seconds = back.as_secs(),
        "the clock was set back, and the Kafka client waits by it: this process begins anew"
    );
    // Also when an upgrade has put another file in the place of the program.
    let mut anew = Command::new("/proc/self/exe");
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    // Returns only when it could not be done.
    let error = anew.args(arguments).exec();
    tracing::error!(%error, "the process cannot begin anew, and ends: start it again");
    std::process::exit(1);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::Look;

    /// After a second, by a clock that was set so many seconds ahead or back meanwhile.
    fn set_back(by: i64) -> Duration {
        let (day, steady) = (SystemTime::now(), Instant::now());
        let shift = Duration::from_secs(by.unsigned_abs());
        let second = Duration::from_secs(1);
        let day_after = if by < 0 {
            day + second - shift
        } else {
            day + second + shift
        };
        let after = Look {
            day: day_after,
            steady: steady + second,
        };
        after.set_back_since(&Look { day, steady })
    }

    #[test]
    fn only_what_was_set_back_is_seen() {
        assert_eq!(set_back(0), Duration::ZERO);
        assert_eq!(set_back(3_600), Duration::ZERO);
        assert_eq!(set_back(-3_600), Duration::from_secs(3_600));
    }
}
