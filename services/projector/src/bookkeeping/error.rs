//! What can go wrong between a projection and its target.

use thiserror::Error;

/// A statement on the target did not succeed.
///
/// Who meets one decides by [`TargetError::is_unavailable`]: try again later, or give up.
#[derive(Debug, Error)]
pub enum TargetError {
    /// It could not be reached, or cannot take writes now: try again later.
    #[error("the target database is not available while {doing}; it is tried again")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// It reads only, as a standby does: what would be done could not be written down.
    #[error("the target database takes no writes while {doing}; it is tried again")]
    ReadOnly {
        /// What was being done.
        doing: &'static str,
    },
    /// It answered, and refused.
    #[error("the target database refused {doing}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The URL of the target cannot be read.
    #[error(
        "the URL of the target database cannot be read; it looks like postgres://user@host:5432/database"
    )]
    Url(#[source] sqlx::Error),
    /// A newer program has changed the tables that projections keep beside their own.
    #[error(
        "the schema dragoman_projection of the target database is at version {found}, this program knows only {known}: run the newer program"
    )]
    NewerBookkeeping {
        /// The version in the database.
        found: i32,
        /// The version of this program.
        known: i32,
    },
    /// The projection was never opened on this database.
    #[error(
        "projection {projection} has no table in the target database yet: run it once, then try again"
    )]
    NeverOpened {
        /// The projection.
        projection: String,
    },
    /// A constraint of the target that waits for the commit refused a step, and does not
    /// say which event is at fault.
    #[error(
        "a constraint of the target database refused the step when it was committed, and cannot say which event is at fault: make it immediate"
    )]
    UnnamedRefusal,
    /// Something hangs on the table that would be lost when another takes its place.
    #[error(
        "table {table} cannot be replaced, because {obstacles} would be lost with it: drop what is named, rebuild, and make it again"
    )]
    TableInUse {
        /// The table.
        table: String,
        /// What hangs on it: views, triggers, policies, foreign keys, publications; indexes
        /// and checks that the new table has not.
        obstacles: String,
    },
    /// The generation that was to take the place of the live one is no longer being
    /// built: another rebuild has begun since.
    #[error(
        "generation {number} of projection {projection} is no longer being built; another rebuild took its place"
    )]
    NotBuilding {
        /// The projection.
        projection: String,
        /// The generation.
        number: i32,
    },
    /// The generation that was to take the place of the live one has not come as far.
    #[error(
        "the new table of projection {projection} is built up to position {built}, and the live one is at {live}; it must catch up first"
    )]
    NotLevel {
        /// The projection.
        projection: String,
        /// How far the new one is built.
        built: i64,
        /// The highest checkpoint of the live one.
        live: i64,
    },
}

impl TargetError {
    /// Whether trying the same again later may succeed.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::ReadOnly { .. })
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

/// Why a projection cannot be opened on its target.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Its rows were made by another definition.
    #[error("the definition of projection {projection} has changed since it began")]
    DefinitionChanged {
        /// The projection.
        projection: String,
    },
    /// The table is there and is not what the definition says.
    #[error("table {table} does not fit projection {projection}: {difference}")]
    TableDiffers {
        /// The projection.
        projection: String,
        /// The table.
        table: String,
        /// What is different.
        difference: String,
    },
    /// It has no table to be rebuilt.
    #[error("projection {projection} has no table: what it does, it does elsewhere")]
    NoTable {
        /// The projection.
        projection: String,
    },
    /// The database did not do it.
    #[error("the projection could not be opened")]
    Target(#[from] TargetError),
}

/// Why a step did not take effect. Nothing of it did.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The owner record is not where this reader left it: another process owns it.
    #[error("another process has taken over this reader")]
    LostOwnership,
    /// The generation is not live any more, or its mode or definition is another: open
    /// the projection again.
    #[error("the generation was superseded")]
    Superseded,
    /// The database did not do it.
    #[error("the step could not be applied")]
    Target(#[from] TargetError),
}

/// The SQLSTATE of an error that the server sent.
pub(crate) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(|database| database.code())
        .map(|code| code.into_owned())
}

/// Whether the error speaks of the row that was written and not of the statement or the
/// server: what the event brought is at fault.
pub(crate) fn is_about_data(error: &sqlx::Error) -> bool {
    // Classes of Appendix A of the Postgres manual: cardinality violation (keys that
    // are equal only by the column's collation), data exception, integrity constraint
    // violation, program limit exceeded (a key too long for its index); and what a
    // trigger or a function raises: of its own accord, by `into strict` that finds no
    // row or several, by `assert`.
    sql_state(error).is_some_and(|code| {
        ["21", "22", "23", "54"].contains(&code.get(..2).unwrap_or_default())
            || ["P0001", "P0002", "P0003", "P0004"].contains(&code.as_str())
    })
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
            // Connection exception, transaction rollback, insufficient resources,
            // operator intervention, system error; and a standby's refusal to write,
            // a session ended because it idled, a lock that was not to be had.
            ["08", "40", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default())
                || ["25006", "25P03", "55P03"].contains(&code.as_ref())
        }),
        _ => false,
    }
}
