//! The running server.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dragoman_store::{Store, StoreOptions};

use super::PrivatePostgresError;
use super::account::Account;
use super::cluster::{Cluster, NAME};
use super::folder::Folder;

/// How long a start may take: recovery after a kill is in it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A private Postgres that runs. Stop it with [`Server::stop`]; dropping it stops it
/// as well, for the ways out that nobody planned.
#[derive(Debug)]
pub(crate) struct Server {
    folder: Folder,
    cluster: Cluster,
    child: Child,
    url: String,
    stopped: bool,
}

impl Server {
    /// Starts the project's own Postgres and waits until it answers. One that a
    /// killed run left behind is stopped first.
    ///
    /// Call it on the main thread: the kernel sends the server its signal to stop
    /// when the *thread* that started it dies, and that one dies with the process.
    ///
    /// # Errors
    /// Why it does not run, and what to do.
    pub(crate) async fn start(folder: Folder) -> Result<Self, PrivatePostgresError> {
        let password = folder.password()?;
        let cluster = Cluster::prepare(&folder, &password)?;
        cluster.stop()?;
        let port = choose_port(&folder)?;
        let url = format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{NAME}");
        let child = spawn(&cluster, port)?;
        let mut server = Self {
            folder,
            cluster,
            child,
            url,
            stopped: false,
        };
        server.wait_until_it_answers().await?;
        server.folder.announce(&server.url, port)?;
        Ok(server)
    }

    /// How to reach it. Holds a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it: sessions are ended, nothing that was committed is lost.
    ///
    /// # Errors
    /// When it does not stop within half a minute.
    pub(crate) fn stop(mut self) -> Result<(), PrivatePostgresError> {
        self.stop_once()
    }

    fn stop_once(&mut self) -> Result<(), PrivatePostgresError> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        self.folder.withdraw();
        self.cluster.stop()?;
        self.child
            .wait()
            .map(|_| ())
            .map_err(PrivatePostgresError::io("waiting for the private Postgres"))
    }

    async fn wait_until_it_answers(&mut self) -> Result<(), PrivatePostgresError> {
        let options = StoreOptions {
            application_name: "dragoman dev".to_owned(),
            max_connections: 1,
            acquire_timeout: Duration::from_secs(1),
        };
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                break;
            }
            if let Ok(store) = Store::connect(&self.url, &options) {
                let answers = store.ping().await.is_ok();
                store.close().await;
                if answers {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(PrivatePostgresError::NotStarted {
            log: self.cluster.log(),
            output: end_of(&std::fs::read_to_string(self.cluster.log()).unwrap_or_default()),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop_once() {
            tracing::warn!(%error, "the private Postgres was not stopped");
        }
    }
}

fn spawn(cluster: &Cluster, port: u16) -> Result<Child, PrivatePostgresError> {
    let log = File::create(cluster.log()).map_err(PrivatePostgresError::io(format!(
        "writing {}",
        cluster.log().display()
    )))?;
    Account::own(cluster.account(), &cluster.log())?;
    let postgres = cluster.command("postgres");
    let mut command = tied_to_this_process(&postgres);
    command
        .current_dir(cluster.data())
        .env("LC_ALL", "C")
        .arg("-D")
        .arg(cluster.data())
        .args(["-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1"])
        // No socket: TCP with a password serves whichever user the hub runs as.
        .args(["-c", "unix_socket_directories="])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // A group of its own: Ctrl-C in the terminal is for the hub, which stops the
        // server when its own work is done.
        .process_group(0);
    Account::put_on(cluster.account(), &mut command);
    command
        .spawn()
        .map_err(PrivatePostgresError::io("starting the private Postgres"))
}

/// The server's program, run through `setpriv` where there is one: the kernel then
/// stops the server when the hub is killed, instead of leaving it to the next start.
fn tied_to_this_process(postgres: &Command) -> Command {
    let available = Command::new("setpriv")
        .args(["--pdeathsig", "INT", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if available {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "INT"])
            .arg(postgres.get_program());
        command
    } else {
        Command::new(postgres.get_program())
    }
}

/// The port of the last time when it is free, else any free one.
fn choose_port(folder: &Folder) -> Result<u16, PrivatePostgresError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, folder.last_port().unwrap_or(0)))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(PrivatePostgresError::io("finding a free port"))
}

fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(5);
    lines.get(from..).unwrap_or_default().join(" | ")
}
