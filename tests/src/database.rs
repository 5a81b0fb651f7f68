//! Databases of one's own on a server.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

/// A database on a server.
#[derive(Debug, Clone)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new database on the server with that URL (of any database of it).
    pub async fn create(server: &str) -> Self {
        let name = format!("faults_{}", Uuid::new_v4().simple());
        let database = Self {
            server: server.to_owned(),
            name,
        };
        database
            .administer(&format!("create database {}", database.name))
            .await;
        database
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        let (server, _) = self
            .server
            .rsplit_once('/')
            .expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    /// A session with it, if the server gives one.
    ///
    /// # Errors
    /// What the server says.
    pub async fn try_connect(&self) -> sqlx::Result<PgConnection> {
        PgConnection::connect(&self.url()).await
    }

    /// Takes it away with everything in it. Ends every session with it.
    pub async fn remove(self) {
        self.administer(&format!("drop database {} with (force)", self.name))
            .await;
    }

    /// A session with it.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url())
            .await
            .unwrap_or_else(|error| panic!("{} cannot be had: {error}", self.name))
    }

    /// The first column of the first row that a query yields.
    pub async fn number(&self, query: &str) -> i64 {
        let mut connection = self.connect().await;
        let row = sqlx::query(AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        row.get(0)
    }

    /// The database as it is now, under another name. Ends every session with it.
    pub async fn copy(&self) -> Self {
        let copy = Self {
            server: self.server.clone(),
            name: format!("{}_older", self.name),
        };
        self.end_sessions().await;
        self.administer(&format!(
            "create database {} template {}",
            copy.name, self.name
        ))
        .await;
        copy
    }

    /// Sets it back to what a copy holds; the copy is used up. Ends every session with
    /// both.
    pub async fn set_back_to(&self, copy: Self) {
        self.end_sessions().await;
        copy.end_sessions().await;
        self.administer(&format!("drop database {}", self.name))
            .await;
        self.administer(&format!(
            "alter database {} rename to {}",
            copy.name, self.name
        ))
        .await;
    }

    /// Ends every session with it.
    pub async fn end_sessions(&self) {
        self.administer(&format!(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{}'",
            self.name
        ))
        .await;
    }

    /// Runs a statement outside of it, as the superuser.
    async fn administer(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.server)
            .await
            .unwrap_or_else(|error| panic!("the server cannot be had: {error}"));
        connection
            .execute(AssertSqlSafe(statement.to_owned()))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
