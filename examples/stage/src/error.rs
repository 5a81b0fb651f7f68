//! What can go wrong around the hub.

use std::error::Error;
use std::io;

use thiserror::Error;

/// Why an example cannot go on.
#[derive(Debug, Error)]
pub enum StageError {
    /// A database did not do what it was asked.
    #[error("{doing} failed")]
    Database {
        /// What was being done.
        doing: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The system did not do what it was asked.
    #[error("{doing} failed")]
    System {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A request got no answer.
    #[error("{request} got no answer")]
    NoAnswer {
        /// Method and path.
        request: String,
        /// What the client said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A command of the hub failed.
    #[error("`dragoman {command}` ended with {status}: {said}")]
    Command {
        /// Its arguments.
        command: String,
        /// Its exit status.
        status: String,
        /// What it said on stderr.
        said: String,
    },
    /// A service of the hub ended by itself.
    #[error("`dragoman {service}` ended by itself with {status}; the end of its log:\n{said}")]
    Ended {
        /// Its arguments.
        service: String,
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        said: String,
    },
    /// Something did not happen in time.
    #[error("{what} within {seconds} s: it did not happen")]
    TooLate {
        /// What was waited for.
        what: String,
        /// For how long, in seconds.
        seconds: u64,
    },
    /// Something is other than it must be.
    #[error("{0}")]
    Unexpected(String),
}

impl StageError {
    /// Names what was being done when a database failed: for `map_err`.
    pub fn database(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Database { doing, source }
    }

    /// Names what was being done when the system failed: for `map_err`.
    pub fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
