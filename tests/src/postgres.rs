//! A Postgres of one's own, to be crashed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::account::Account;
use crate::environment::postgres_programs;
use crate::process::{Process, tied};
use crate::{eventually, free_port};

/// A server with a folder and a port of its own.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts its server.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dragoman-postgres-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a folder can be made");
        if let Some(account) = Account::for_postgres() {
            account.own(folder.path());
        }
        let made = as_its_user(Command::new(postgres_programs().join("initdb")))
            .current_dir("/")
            .arg("-D")
            .arg(data(folder.path()))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync"])
            .output()
            .expect("there is initdb");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = Self {
            process: None,
            port: free_port(),
            folder,
        };
        server.restart().await;
        server
    }

    /// The URL of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a crash would (immediate shutdown): nothing is finished, and the next
    /// start recovers from the write-ahead log.
    pub async fn crash(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("QUIT");
        process.ended().await;
    }

    /// Starts it where it is down, and returns when it answers.
    pub async fn restart(&mut self) {
        let mut command = as_its_user(tied(&postgres_programs().join("postgres"), "INT"));
        command
            .current_dir("/")
            .arg("-D")
            .arg(data(self.folder.path()))
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "timezone=UTC"]);
        let log = self.folder.path().join("log");
        self.process = Some(Process::start("postgres", command, &log));
        let url = self.url();
        eventually("Postgres answers", async || {
            PgConnection::connect(&url).await.is_ok()
        })
        .await;
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn as_its_user(mut command: Command) -> Command {
    if let Some(account) = Account::for_postgres() {
        account.put_on(&mut command);
    }
    command
}
