//! Why there is no private Postgres.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the private Postgres could not be started. Each says what to do.
#[derive(Debug, Error)]
pub(crate) enum PrivatePostgresError {
    /// No server programs on this machine.
    #[error(
        "no Postgres server is installed here (looked in /usr/lib/postgresql, in PATH and where pg_config says); install one (Debian: apt-get install postgresql), or set `postgres:` in the configuration"
    )]
    NotInstalled,
    /// Postgres refuses to run as root, and there is nobody else.
    #[error(
        "Postgres does not run as root, and this machine has neither a user `postgres` nor `nobody`; run `dragoman dev` as another user, or set `postgres:` in the configuration"
    )]
    NoAccount,
    /// Another `dragoman dev` has the folder.
    #[error(
        "another `dragoman dev` runs in {}; stop that one first", folder.display()
    )]
    InUse {
        /// The project's folder.
        folder: PathBuf,
    },
    /// The system refused something.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// One of Postgres' programs failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it said.
        output: String,
    },
    /// The server stopped by itself, or does not answer in time.
    #[error("the private Postgres did not start; the end of {}: {output}", log.display())]
    NotStarted {
        /// Its log.
        log: PathBuf,
        /// The end of it.
        output: String,
    },
}

impl PrivatePostgresError {
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
