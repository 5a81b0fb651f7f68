//! Not waiting forever for a database: a network can forget a connection without closing
//! it, and then no answer ever comes.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::ProjectorError;

/// How long an answer is waited for at first. A step takes a fraction of a second.
const FIRST: Duration = Duration::from_secs(10);
/// And at most.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How long the next answer is waited for. Each that did not come doubles it, so that what
/// takes long, and is begun anew each time, comes to its end all the same.
#[derive(Debug, Clone)]
pub(super) struct AnswerLimit(Duration);

impl Default for AnswerLimit {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl AnswerLimit {
    /// What was answered.
    ///
    /// # Errors
    /// [`ProjectorError::NoAnswer`] when nothing was in time; it may have been done all
    /// the same.
    pub(super) async fn wait<T, E>(
        &mut self,
        projection: &str,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, ProjectorError> {
        if let Ok(answer) = timeout(self.0, asked).await {
            // An error may be that somebody waits in vain for what a try before this one
            // still holds.
            if answer.is_ok() {
                self.0 = FIRST;
            }
            return Ok(answer);
        }
        let waited = self.0;
        self.lengthen();
        Err(ProjectorError::NoAnswer {
            projection: projection.to_owned(),
            waited,
        })
    }

    /// Waits longer the next time.
    pub(super) fn lengthen(&mut self) {
        self.0 = (self.0 * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::{AnswerLimit, FIRST, LONGEST};

    #[tokio::test]
    async fn it_waits_longer_after_an_answer_that_did_not_come() {
        let mut limit = AnswerLimit(Duration::from_millis(1));
        for milliseconds in [2, 4, 8] {
            let error = limit.wait("stock", pending::<Result<(), ()>>()).await.err();
            assert!(error.is_some_and(|error| error.is_unavailable()));
            assert_eq!(limit.0, Duration::from_millis(milliseconds));
        }
        assert!(limit.wait("stock", ready(Err::<(), ()>(()))).await.is_ok());
        assert_eq!(limit.0, Duration::from_millis(8));
        assert!(limit.wait("stock", ready(Ok::<(), ()>(()))).await.is_ok());
        assert_eq!(limit.0, FIRST);
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let mut limit = AnswerLimit::default();
        for _ in 0..20 {
            limit.lengthen();
        }
        assert_eq!(limit.0, LONGEST);
    }
}
