//! Which database a URL leads to.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// A database of a server: what two URLs with other users or settings have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatabaseName {
    host: String,
    port: u16,
    database: String,
}

/// A URL that leads to no database of Postgres. Never holds the URL: it may have a
/// password in it.
#[derive(Debug, Error)]
#[error("this is no URL of a Postgres database")]
pub struct DatabaseUrlError(#[source] Option<sqlx::Error>);

impl DatabaseName {
    /// The database of a URL, with what Postgres' environment variables (`PGHOST`, …)
    /// say where the URL says nothing.
    ///
    /// # Errors
    /// When it is no URL of Postgres.
    pub fn of(url: &str) -> Result<Self, DatabaseUrlError> {
        // The driver takes any scheme.
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(DatabaseUrlError(None));
        }
        let options =
            PgConnectOptions::from_str(url).map_err(|error| DatabaseUrlError(Some(error)))?;
        let database = options.get_database().unwrap_or(options.get_username());
        Ok(Self {
            host: options.get_host().to_owned(),
            port: options.get_port(),
            database: database.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::DatabaseName;

    #[test]
    fn two_urls_of_one_database_are_known_for_that() {
        let of = |url| DatabaseName::of(url).unwrap();
        assert_eq!(
            of("postgres://a:secret@db.example/hub"),
            of("postgresql://b@db.example:5432/hub?sslmode=require")
        );
        assert_ne!(of("postgres://a@db/one"), of("postgres://a@db/two"));
        for wrong in [
            "db.example:secret",
            "mysql://a:secret@db/x",
            "postgres://a:secret@db:x",
        ] {
            let error = DatabaseName::of(wrong).unwrap_err();
            assert!(!format!("{error:?}").contains("secret"), "{wrong}");
        }
    }
}
