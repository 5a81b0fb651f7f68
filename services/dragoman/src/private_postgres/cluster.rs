//! The cluster on disk: made once, and cleared of what a killed run left running.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::PrivatePostgresError;
use super::account::Account;
use super::binaries::Binaries;
use super::folder::Folder;

/// The database user and the database of the private server.
pub(super) const NAME: &str = "dragoman";

/// A cluster on disk and who may start it.
#[derive(Debug)]
pub(super) struct Cluster {
    home: PathBuf,
    binaries: Binaries,
    account: Option<Account>,
}

impl Cluster {
    /// Finds the cluster of a project, or makes it. A making that was interrupted is
    /// begun again: the data folder gets its name only when it is whole.
    ///
    /// # Errors
    /// When there are no programs for it, or they fail.
    pub(super) fn prepare(folder: &Folder, password: &str) -> Result<Self, PrivatePostgresError> {
        let binaries = Binaries::find()?;
        let account = Account::choose()?;
        let home = home(folder.path(), account);
        make_folder(&home, account)?;
        let cluster = Self {
            home,
            binaries,
            account,
        };
        if !cluster.data().join("PG_VERSION").is_file() {
            cluster.create(password)?;
        }
        cluster.refuse_other_version()?;
        Ok(cluster)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// A program of Postgres, run as whom the cluster belongs to. Away from the
    /// current folder, into which that user may not look.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(&self.home).env("LC_ALL", "C");
        Account::put_on(self.account, &mut command);
        command
    }

    pub(super) fn account(&self) -> Option<Account> {
        self.account
    }

    /// Stops the server of this cluster if one runs: ours at the end, or one that a
    /// killed run left behind.
    ///
    /// # Errors
    /// When it does not stop within half a minute.
    pub(super) fn stop(&self) -> Result<(), PrivatePostgresError> {
        let pid_file = self.data().join("postmaster.pid");
        if !pid_file.exists() {
            return Ok(());
        }
        let status = self.run(
            self.command("pg_ctl")
                .arg("status")
                .arg("-D")
                .arg(self.data()),
            "pg_ctl",
        );
        if status.is_err() {
            return Ok(());
        }
        // "fast": sessions are ended, nothing that was committed is lost.
        let stopped = self.run(
            self.command("pg_ctl")
                .args(["stop", "--mode=fast", "--wait", "--timeout=30", "-D"])
                .arg(self.data()),
            "pg_ctl",
        );
        match stopped {
            // It was ending by itself, as after a kill of the hub, and came to its end
            // between the two calls. The file goes last.
            Err(_) if !pid_file.exists() => Ok(()),
            stopped => stopped.map(|_| ()),
        }
    }

    fn create(&self, password: &str) -> Result<(), PrivatePostgresError> {
        tracing::info!(folder = %self.home.display(), "making a private Postgres for this project");
        let new = self.home.join("data.new");
        if new.exists() {
            std::fs::remove_dir_all(&new).map_err(PrivatePostgresError::io(format!(
                "removing {}",
                new.display()
            )))?;
        }
        let password_file = self.home.join("password.new");
        std::fs::write(&password_file, password)
            .map_err(PrivatePostgresError::io("writing the password for initdb"))?;
        let made = restrict(&password_file)
            .and_then(|()| Account::own(self.account, &password_file))
            .and_then(|()| {
                self.run(
                    self.command("initdb")
                        .args([
                            "--username",
                            NAME,
                            "--auth=scram-sha-256",
                            "--encoding=UTF8",
                            "--locale=C",
                        ])
                        .arg("--pwfile")
                        .arg(&password_file)
                        .arg("-D")
                        .arg(&new),
                    "initdb",
                )
            })
            .and_then(|_| self.create_database(&new));
        // Gone in any case: it holds the password.
        let _ = std::fs::remove_file(&password_file);
        made?;
        std::fs::rename(&new, self.data()).map_err(PrivatePostgresError::io(format!(
            "naming {}",
            new.display()
        )))
    }

    /// In single-user mode, so that no client program is needed.
    fn create_database(&self, data: &Path) -> Result<(), PrivatePostgresError> {
        let doing = || PrivatePostgresError::io("running postgres --single");
        let mut child = self
            .command("postgres")
            .args(["--single", "-D"])
            .arg(data)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(doing())?;
        if let Some(mut input) = child.stdin.take() {
            input
                .write_all(format!("create database {NAME}\n").as_bytes())
                .map_err(doing())?;
        }
        let output = child.wait_with_output().map_err(doing())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !said.contains("ERROR") {
            return Ok(());
        }
        Err(PrivatePostgresError::Program {
            program: "postgres --single",
            output: said.trim().to_owned(),
        })
    }

    fn refuse_other_version(&self) -> Result<(), PrivatePostgresError> {
        let made_by = std::fs::read_to_string(self.data().join("PG_VERSION")).map_err(
            PrivatePostgresError::io("reading the version of the private Postgres"),
        )?;
        match self.binaries.version() {
            Some(version) if version != made_by.trim() => Err(PrivatePostgresError::Program {
                program: "postgres",
                output: format!(
                    "the private database was made by version {}, installed is {version}; install that version again, or remove {} (its events are lost then)",
                    made_by.trim(),
                    self.home.display()
                ),
            }),
            _ => Ok(()),
        }
    }

    fn run(
        &self,
        command: &mut Command,
        program: &'static str,
    ) -> Result<String, PrivatePostgresError> {
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(PrivatePostgresError::io(format!("running {program}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(PrivatePostgresError::Program {
            program,
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// Where the cluster lives: beside the configuration; or, when that is a place that
/// the account cannot get to (below /root, say), under /var/lib by the name's hash.
fn home(folder: &Path, account: Option<Account>) -> PathBuf {
    match account {
        Some(account) if !account.can_reach(folder) => {
            let mut hasher = DefaultHasher::new();
            folder.hash(&mut hasher);
            PathBuf::from(format!("/var/lib/dragoman/{:016x}", hasher.finish()))
        }
        _ => folder.join("postgres"),
    }
}

fn make_folder(home: &Path, account: Option<Account>) -> Result<(), PrivatePostgresError> {
    let doing = || PrivatePostgresError::io(format!("making {}", home.display()));
    if let Some(parent) = home.parent() {
        std::fs::create_dir_all(parent).map_err(doing())?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(home) {
        Ok(()) => Account::own(account, home),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Account::own(account, home)
        }
        Err(error) => Err(doing()(error)),
    }
}

fn restrict(path: &Path) -> Result<(), PrivatePostgresError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(
        PrivatePostgresError::io(format!("restricting {}", path.display())),
    )
}
