//! Waiting for what passes by itself, and knowing when to give up waiting.

use std::future::Future;
use std::time::Duration;

use dragoman_core::{Backoff, chain};
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
use super::answer_limit::AnswerLimit;

/// The rests between tries while a database or Kafka is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));

/// Why a piece of work is to end: the whole session, or what this piece stands on (a
/// partition that was taken away, a lease that was lost).
#[derive(Debug, Clone)]
pub(super) struct Quit {
    session: CancellationToken,
    ground: CancellationToken,
}

impl Quit {
    pub(super) fn new(session: CancellationToken, ground: CancellationToken) -> Self {
        Self { session, ground }
    }

    /// Quits with one token alone.
    pub(super) fn with(token: &CancellationToken) -> Self {
        Self::new(token.clone(), token.clone())
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.session.is_cancelled() || self.ground.is_cancelled()
    }

    pub(super) async fn cancelled(&self) {
        tokio::select! {
            () = self.session.cancelled() => {}
            () = self.ground.cancelled() => {}
        }
    }

    /// Rests. False when it was time to quit first.
    pub(super) async fn rest(&self, duration: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.cancelled() => false,
            () = tokio::time::sleep(duration) => true,
        }
    }
}

/// The tries of one thing, one after the other.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: u32,
}

impl Tries {
    /// Rests before the next try, longer each time. Says why at the first failure and
    /// then now and then. False when it was time to quit.
    pub(super) async fn rest(
        &mut self,
        projection: &str,
        error: &(dyn std::error::Error + Sync),
        quit: &Quit,
    ) -> bool {
        if self.failures.is_multiple_of(10) {
            tracing::warn!(projection, error = %chain(error), "waiting; it is tried again");
        }
        self.failures += 1;
        quit.rest(AWAY.wait(self.failures, rand::random())).await
    }
}

/// Tries until it succeeds; a try that is not answered is given up and made again. `None`
/// when it was time to quit first.
///
/// # Errors
/// What does not pass by itself.
pub(super) async fn patiently<T, F>(
    projection: &str,
    quit: &Quit,
    attempt: impl Fn() -> F,
) -> Result<Option<T>, ProjectorError>
where
    F: Future<Output = Result<T, ProjectorError>>,
{
    let mut tries = Tries::default();
    let mut limit = AnswerLimit::default();
    loop {
        let tried = tokio::select! {
            biased;
            () = quit.cancelled() => return Ok(None),
            tried = limit.wait(projection, attempt()) => tried,
        };
        match tried.flatten() {
            Ok(done) => return Ok(Some(done)),
            Err(error) if error.is_unavailable() => {
                if !tries.rest(projection, &error, quit).await {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
