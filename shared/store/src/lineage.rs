//! Is this the ledger that others have read from?

use dragoman_core::{Identity, Position};
use thiserror::Error;

use crate::{Store, StoreError};

/// The last event that somebody outside the ledger has: a topic partition, a
/// checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Whose it is, for people: `partition 3 of topic orders`.
    pub whose: String,
    /// The event.
    pub identity: Identity,
}

/// Somebody outside has what the ledger has not.
#[derive(Debug, Error)]
pub enum LineageError {
    /// The ledger holds another event at that position.
    #[error("{whose} has {outside}, and the ledger has {inside}")]
    Other {
        /// Whose tail it is.
        whose: String,
        /// What it has.
        outside: Identity,
        /// What the ledger has there.
        inside: Identity,
    },
    /// The ledger ends before that position.
    #[error("{whose} has {outside}, and the ledger ends at position {head}")]
    Beyond {
        /// Whose tail it is.
        whose: String,
        /// What it has.
        outside: Identity,
        /// Where the ledger ends.
        head: Position,
    },
    /// The database did not answer.
    #[error("the ledger could not be compared")]
    Store(#[source] StoreError),
}

impl Store {
    /// Compares what others have with the ledger, by position, source and id.
    ///
    /// # Errors
    /// The first one that differs, or the database does not answer.
    pub async fn check_lineage(&self, tails: &[Tail]) -> Result<(), LineageError> {
        for tail in tails {
            let outside = &tail.identity;
            let inside = self.identity_at(outside.position).await;
            match inside.map_err(LineageError::Store)? {
                Some(inside) if inside == *outside => {}
                Some(inside) => {
                    return Err(LineageError::Other {
                        whose: tail.whose.clone(),
                        outside: outside.clone(),
                        inside,
                    });
                }
                None => {
                    return Err(LineageError::Beyond {
                        whose: tail.whose.clone(),
                        outside: outside.clone(),
                        head: self.head().await.map_err(LineageError::Store)?,
                    });
                }
            }
        }
        Ok(())
    }
}
