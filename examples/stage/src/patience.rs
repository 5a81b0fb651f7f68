//! Waiting for a condition, and not for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::StageError;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A point in time after which waiting ends.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    seconds: u64,
}

impl Deadline {
    /// So many seconds from now.
    #[must_use]
    pub fn within(seconds: u64) -> Self {
        Self {
            at: Instant::now() + Duration::from_secs(seconds),
            seconds,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        Instant::now() >= self.at
    }

    /// That it is over, said as an error.
    #[must_use]
    pub fn missed(self, what: &str) -> StageError {
        StageError::TooLate {
            what: what.to_owned(),
            seconds: self.seconds,
        }
    }
}

/// Looks again and again until a look finds something.
///
/// # Errors
/// The error of a look, or that the deadline is over.
pub async fn eventually<T>(
    what: &str,
    deadline: Deadline,
    mut look: impl AsyncFnMut() -> Result<Option<T>, StageError>,
) -> Result<T, StageError> {
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if deadline.is_over() {
            return Err(deadline.missed(what));
        }
        sleep(PAUSE).await;
    }
}
