//! Why nothing was sealed.

use thiserror::Error;

use crate::StoreError;

/// Why nothing was sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The lease is another's, or has run out.
    #[error("the lease has gone to another process or has run out, so nothing was sealed")]
    LostLease,
    /// Another sealer took the same batch number first.
    #[error("another process sealed this batch first")]
    LostBatch,
    /// The ledger does not end where the caller left it: the database is another or
    /// an older one than before, or somebody sealed in between.
    #[error(
        "the ledger ends with batch {found}, where batch {expected} was expected; nothing was sealed"
    )]
    OtherTip {
        /// The batch that the caller knew as the last.
        expected: i64,
        /// The last batch.
        found: i64,
    },
    /// The ledger was sealed in another cluster, where transaction ids mean
    /// something else.
    #[error("the ledger was sealed in cluster {sealed_in}, and this is cluster {here}")]
    ForeignCluster {
        /// The system identifier in the ledger.
        sealed_in: i64,
        /// The system identifier of this cluster.
        here: i64,
    },
    /// The database did not answer.
    #[error("nothing could be sealed")]
    Store(#[source] StoreError),
}

pub(super) fn sealing(error: sqlx::Error) -> SealError {
    SealError::Store(StoreError::during("sealing")(error))
}
