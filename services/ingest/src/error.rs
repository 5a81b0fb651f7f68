//! Why an ingest stops for good, and what to do about it.

use std::error::Error;
use std::net::SocketAddr;

use dragoman_store::CatalogueError;
use thiserror::Error;

/// An ingest halted. A database that is away is waited for and never gets here.
#[derive(Debug, Error)]
pub enum IngestError {
    /// The address cannot be had.
    #[error("the address {address} cannot be had")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A webhook's source comes in by another door already, or the database refused.
    #[error("adapter {adapter} cannot have its source")]
    Source {
        /// The adapter.
        adapter: String,
        /// Why.
        #[source]
        source: CatalogueError,
    },
    /// A task of the ingest ended without a result.
    #[error("a task of the ingest ended unexpectedly")]
    TaskLost,
}

impl IngestError {
    /// A stable word for it, as `status` shows it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address",
            Self::Source { source, .. } => match source {
                CatalogueError::OtherDoor { .. } => "other_door",
                CatalogueError::Store(_) => "store",
            },
            Self::TaskLost => "task_lost",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Address { .. } => {
                "Stop what listens there, or give another address as `http.listen` in the configuration."
                    .to_owned()
            }
            Self::Source { adapter, source } => match source {
                CatalogueError::OtherDoor { .. } => format!(
                    "Give adapters.{adapter} another `source:`: an open transaction of a publisher could hold the keys that its writers need."
                ),
                CatalogueError::Store(_) => {
                    "Look at the cause above and at the server's log; `dragoman migrate` when the schema is not this version's. Then start the ingest again."
                        .to_owned()
                }
            },
            Self::TaskLost => {
                "Start the ingest again, and report the lines of the log before this one."
                    .to_owned()
            }
        }
    }
}

/// An error with its causes, on one line. A cause that the one above has told already
/// is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let said = source.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = source.source();
    }
    text
}
