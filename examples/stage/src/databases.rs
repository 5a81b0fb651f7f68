//! Databases of a run's own in a cluster that is lent.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::StageError;

/// A cluster in which a run makes databases and roles, all with one suffix, and drops
/// them at the end.
#[derive(Debug)]
pub struct Databases {
    superuser: PgConnectOptions,
    suffix: String,
    databases: Vec<String>,
    roles: Vec<String>,
}

impl Databases {
    /// Takes the URL of a superuser. `suffix`: letters and digits that no other run has.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn new(superuser: &str, suffix: &str) -> Result<Self, StageError> {
        Ok(Self {
            superuser: options(superuser)?,
            suffix: suffix.to_owned(),
            databases: Vec::new(),
            roles: Vec::new(),
        })
    }

    /// Makes a database, and says where it is. `name`: letters, digits and underscores.
    ///
    /// # Errors
    /// When the cluster refuses it.
    pub async fn create(&mut self, name: &str) -> Result<String, StageError> {
        let name = format!("{name}_{}", self.suffix);
        self.administer(format!(r#"create database "{name}""#))
            .await?;
        self.databases.push(name.clone());
        Ok(url(&self.superuser.clone().database(&name)))
    }

    /// Makes a role that may log in, and says its name. `name` as in [`Databases::create`];
    /// `password`: hexadecimal digits.
    ///
    /// # Errors
    /// When the cluster refuses it.
    pub async fn create_role(&mut self, name: &str, password: &str) -> Result<String, StageError> {
        let name = format!("{name}_{}", self.suffix);
        self.administer(format!(
            r#"create role "{name}" login password '{password}'"#
        ))
        .await?;
        self.roles.push(name.clone());
        Ok(name)
    }

    /// Drops all that it made, and ends whoever is still connected.
    ///
    /// # Errors
    /// When the cluster refuses it.
    pub async fn drop_all(self) -> Result<(), StageError> {
        for name in &self.databases {
            self.administer(format!(r#"drop database if exists "{name}" with (force)"#))
                .await?;
        }
        for name in &self.roles {
            self.administer(format!(r#"drop role if exists "{name}""#))
                .await?;
        }
        Ok(())
    }

    async fn administer(&self, statement: String) -> Result<(), StageError> {
        let mut connection = open(&self.superuser).await?;
        let doing = statement.clone();
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .map_err(StageError::database(doing))?;
        connection
            .close()
            .await
            .map_err(StageError::database("leaving the database"))
    }
}

/// Connects to a database; `role` and its password instead of the URL's, when given.
///
/// # Errors
/// When it does not answer or does not let us in.
pub async fn connect(url: &str, role: Option<(&str, &str)>) -> Result<PgConnection, StageError> {
    let options = options(url)?;
    match role {
        None => open(&options).await,
        Some((name, password)) => open(&options.username(name).password(password)).await,
    }
}

async fn open(options: &PgConnectOptions) -> Result<PgConnection, StageError> {
    PgConnection::connect_with(options)
        .await
        .map_err(StageError::database("connecting to Postgres"))
}

fn options(url: &str) -> Result<PgConnectOptions, StageError> {
    PgConnectOptions::from_str(url)
        .map(ConnectOptions::disable_statement_logging)
        .map_err(StageError::database("reading the URL of Postgres"))
}

fn url(options: &PgConnectOptions) -> String {
    options.to_url_lossy().to_string()
}
