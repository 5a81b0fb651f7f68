//! A Postgres of one's own, to be crashed, filled up, and followed by another.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::account::Account;
use crate::environment::postgres_programs;
use crate::process::{Process, tied};
use crate::small_disk::SmallDisk;
use crate::{eventually, free_port};

/// A server with a folder and a port of its own.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    settings: Vec<String>,
    place: Place,
}

/// How a server of one's own is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PostgresOptions {
    /// Settings (`NAME=VALUE`).
    pub(crate) settings: &'static [&'static str],
    /// How large its disk is. Only root can say that.
    pub(crate) megabytes: Option<u32>,
}

impl Postgres {
    /// Makes a cluster and starts its server.
    pub async fn start() -> Self {
        Self::start_with(PostgresOptions::default()).await
    }

    pub(crate) async fn start_with(options: PostgresOptions) -> Self {
        let place = Place::make(options.megabytes).await;
        let mut initdb = place.command("initdb", "KILL");
        initdb
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync", "--wal-segsize=4"]);
        run(initdb);
        Self::started(place, options.settings.iter().map(|&one| one.into())).await
    }

    /// Another server that follows this one; what this one commits from now on waits until
    /// the other has it on disk, too.
    pub(crate) async fn followed(&self) -> Self {
        let place = Place::make(None).await;
        let mut copy = place.command("pg_basebackup", "KILL");
        copy.args(["-R", "-c", "fast", "-d", &self.url()]);
        run(copy);
        let follower = Self::started(place, self.settings.iter().cloned()).await;
        let mut session = self.session().await;
        for statement in [
            "alter system set synchronous_standby_names = '*'",
            "select pg_reload_conf()",
        ] {
            let done = session.execute(statement).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        eventually("the follower is waited for", async || {
            let states = "select count(*) from pg_stat_replication where sync_state = 'sync'";
            let waited_for: sqlx::Result<i64> =
                sqlx::query_scalar(states).fetch_one(&mut session).await;
            waited_for.is_ok_and(|count| count == 1)
        })
        .await;
        follower
    }

    /// Lets a follower take writes.
    pub(crate) async fn promote(&self) {
        let promoted: bool = sqlx::query_scalar("select pg_promote()")
            .fetch_one(&mut self.session().await)
            .await
            .expect("a follower can be promoted");
        assert!(promoted, "the follower was not promoted in time");
    }

    async fn started(place: Place, settings: impl Iterator<Item = String>) -> Self {
        let mut server = Self {
            process: None,
            port: free_port(),
            settings: settings.collect(),
            place,
        };
        server.restart().await;
        server
    }

    /// The URL of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url())
            .await
            .unwrap_or_else(|error| panic!("the server cannot be had: {error}"))
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
        let mut command = self.place.command("postgres", "INT");
        command
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "timezone=UTC"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.process = Some(Process::start("postgres", command, &self.place.log()));
        self.until_it_answers().await;
    }

    /// Leaves no room on its disk, which must be a small one.
    pub(crate) fn fill_disk(&self) {
        self.place.disk.as_ref().expect("a small disk").fill();
    }

    /// Makes room on its disk again, and starts it if it has ended for want of room.
    pub(crate) async fn make_room(&mut self) {
        self.place.disk.as_ref().expect("a small disk").make_room();
        let process = self.process.as_mut().expect("it was started");
        if process.exit_status().is_some() {
            self.restart().await;
        } else {
            self.until_it_answers().await;
        }
    }

    async fn until_it_answers(&self) {
        let url = self.url();
        eventually("Postgres answers", async || {
            PgConnection::connect(&url).await.is_ok()
        })
        .await;
    }
}

/// Where a cluster is.
#[derive(Debug)]
struct Place {
    /// Before the folder that it lies over.
    disk: Option<SmallDisk>,
    folder: TempDir,
}

impl Place {
    async fn make(megabytes: Option<u32>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dragoman-postgres-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a folder can be made");
        if let Some(account) = Account::for_postgres() {
            account.own(folder.path());
        }
        let disk = match megabytes {
            None => None,
            Some(megabytes) => {
                let under = folder.path().join("disk");
                std::fs::create_dir(&under).expect("a folder can be made");
                Some(SmallDisk::over(&under, megabytes).await)
            }
        };
        Self { disk, folder }
    }

    /// A server program at work on the cluster.
    fn command(&self, program: &str, signal: &str) -> Command {
        let program = postgres_programs().join(program);
        let account = Account::for_postgres();
        let mut command = match (&self.disk, account) {
            (Some(disk), Some(account)) => disk.command(&program, account, signal),
            _ => tied(&program, signal),
        };
        if let (None, Some(account)) = (&self.disk, account) {
            account.put_on(&mut command);
        }
        command.current_dir("/").arg("-D").arg(self.data());
        command
    }

    fn data(&self) -> PathBuf {
        let disk = self.disk.as_ref().map_or("", |_| "disk");
        self.folder.path().join(disk).join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

fn run(mut command: Command) {
    let done = command.output().expect("there are programs of Postgres");
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}
