//! Not waiting forever for the database: a network can forget a connection without closing
//! it, and then no answer ever comes.

use std::future::Future;
use std::time::Duration;

use dragoman_store::StoreError;
use tokio::time::timeout;

/// How long a call may take. The longest of the relay's, reading a batch, takes a fraction
/// of a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What was answered.
///
/// # Errors
/// When nothing was in time; it may have been done all the same.
pub(crate) async fn in_time<T>(
    doing: &'static str,
    asked: impl Future<Output = T>,
) -> Result<T, StoreError> {
    within(ANSWER_WITHIN, doing, asked).await
}

async fn within<T>(
    limit: Duration,
    doing: &'static str,
    asked: impl Future<Output = T>,
) -> Result<T, StoreError> {
    timeout(limit, asked)
        .await
        .map_err(|_| StoreError::no_answer(doing))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::within;

    #[tokio::test]
    async fn what_is_never_answered_counts_as_unavailable() {
        let limit = Duration::from_millis(5);
        let never = within(limit, "asking", std::future::pending::<()>()).await;
        assert!(never.is_err_and(|error| error.is_unavailable()));
        let answered = within(limit, "asking", async { 1 }).await;
        assert!(answered.is_ok_and(|one| one == 1));
    }
}
