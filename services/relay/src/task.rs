//! A task that does not outlive whoever started it.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::RelayError;

/// Ends with its handle.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Whether its end need not be waited for.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it panicked.
    pub(crate) async fn end(mut self) -> Result<T, RelayError> {
        (&mut self.0).await.map_err(|_| RelayError::TaskLost)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
