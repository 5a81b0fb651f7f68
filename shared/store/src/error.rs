//! What can go wrong between the hub and its database.

use thiserror::Error;

/// A statement on the hub's database did not succeed.
///
/// Who meets one decides by [`StoreError::is_unavailable`]: try again later, or give up.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database could not be reached, or cannot take writes now.
    #[error("the hub's database is not available while {doing}; it is tried again")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The database answered, and refused.
    #[error("the hub's database refused {doing}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what the hub never writes.
    #[error("the hub's table {table} holds {what}; it was changed by something else than Dragoman")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What was found there.
        what: String,
    },
    /// The URL of the database cannot be read.
    #[error("the Postgres URL cannot be read; it looks like postgres://user@host:5432/database")]
    Url(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether trying the same again later may succeed.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The error of a call that was given up because no answer came: what became of it is
    /// not known.
    #[must_use]
    pub fn no_answer(doing: &'static str) -> Self {
        Self::Unavailable {
            doing,
            source: sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        }
    }

    /// Sorts a driver's error by whether time can mend it.
    pub(crate) fn during(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| {
            if mends_with_time(&source) {
                Self::Unavailable { doing, source }
            } else {
                Self::Refused { doing, source }
            }
        }
    }
}

/// The SQLSTATE of an error that the server sent.
pub(crate) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(|database| database.code())
        .map(|code| code.into_owned())
}

/// Whether the error speaks of the server's state and not of the statement.
fn mends_with_time(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // Classes of Appendix A of the Postgres manual: connection exception,
            // transaction rollback, insufficient resources, operator intervention
            // (shutdown, crash, idle session ended), system error; and a standby's
            // refusal to write, a lock that was not to be had.
            ["08", "40", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default())
                || ["25006", "25P03", "55P03"].contains(&code.as_ref())
        }),
        _ => false,
    }
}
