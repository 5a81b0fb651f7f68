//! A transaction that is tried as what nearly always succeeds, and then with care.

use sqlx::PgConnection;

use super::destination::Destination;
use super::evaluate::Evaluated;
use super::folding::RowCache;
use super::write::{
    OnFailure, Settled, WRITING, WriteError, check_at_once, refusal, settle, write,
};
use crate::Target;
use crate::bookkeeping::error::{ApplyError, TargetError};

/// How events are brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// All at once: what nearly always succeeds.
    Whole,
    /// So that an event that the database refuses is found.
    Apart,
}

/// Why an attempt came to nothing.
pub(super) enum Failure {
    /// The database refused what some event brings: the same again, with care.
    Data,
    /// A row is not as it was known: the same again, with what the table has.
    Moved,
    Apply(ApplyError),
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Data(_) => Self::Data,
            WriteError::Target(error) => error.into(),
        }
    }
}

impl<E: Into<ApplyError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Apply(error.into())
    }
}

/// What is done in one transaction, which is committed if it succeeds.
pub(super) trait Attempt: Sync {
    /// What comes of it.
    type Done: Send;

    /// Does it. In `cache` are rows as they were left before, and then as they are left.
    fn run(
        &self,
        connection: &mut PgConnection,
        care: Care,
        cache: &mut RowCache,
    ) -> impl Future<Output = Result<Self::Done, Failure>> + Send;
}

impl Target {
    /// Does something in one transaction; in another one when rows are not as the cache has
    /// them; and in another one with care, when the database refuses what an event brings.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing was done then, or, when the connection was lost at the
    /// commit, it is open. The cache has no rows then.
    pub(super) async fn carefully<A: Attempt>(
        &self,
        doing: &'static str,
        attempt: &A,
        cache: &mut RowCache,
    ) -> Result<A::Done, ApplyError> {
        let mut care = Care::Whole;
        loop {
            let mut rows = cache.take();
            match self.attempt(doing, attempt, care, &mut rows).await {
                Ok(done) => {
                    *cache = rows;
                    return Ok(done);
                }
                Err(Failure::Apply(error)) => return Err(error),
                // Once at the most: without rows none has moved.
                Err(Failure::Moved) => cache.keep_off(),
                Err(Failure::Data) if care == Care::Whole => care = Care::Apart,
                // With care, only a commit can be refused still: a constraint that waits for
                // it and cannot be made to speak earlier.
                Err(Failure::Data) => return Err(TargetError::UnnamedRefusal.into()),
            }
        }
    }

    async fn attempt<A: Attempt>(
        &self,
        doing: &'static str,
        attempt: &A,
        care: Care,
        cache: &mut RowCache,
    ) -> Result<A::Done, Failure> {
        let mut transaction = self.begin(doing).await?;
        match attempt.run(&mut transaction, care, cache).await {
            Ok(done) => {
                let committed = transaction.commit().await;
                committed.map_err(refusal(WRITING))?;
                Ok(done)
            }
            Err(failure) => {
                // Now, and not when the session is used next: another attempt would wait
                // for it. If it fails the session is gone, and the transaction with it.
                let _ = transaction.rollback().await;
                Err(failure)
            }
        }
    }
}

/// Lets events take effect; those that could not are among what is answered.
pub(super) async fn bring_in<'a, 'e>(
    connection: &mut PgConnection,
    destination: Destination<'_>,
    events: Vec<&'a Evaluated<'e>>,
    on_failure: OnFailure,
    (care, cache): (Care, &mut RowCache),
) -> Result<Settled<'a, 'e>, Failure> {
    if care == Care::Apart {
        check_at_once(connection).await?;
        return Ok(settle(connection, destination, events, on_failure).await?);
    }
    if let Destination::Folded(table) = destination {
        return table
            .fold_cached(connection, &events, on_failure, cache)
            .await;
    }
    Ok(write(connection, destination, &events, on_failure).await?)
}
