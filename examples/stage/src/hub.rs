//! The hub, as its users have it: a binary and a folder with its configuration.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::{Service, StageError};

/// The binary, a configuration, and the environment that the configuration asks for.
#[derive(Debug, Clone)]
pub struct Hub {
    binary: PathBuf,
    configuration: PathBuf,
    environment: Vec<(String, String)>,
    logs: PathBuf,
}

/// What a command said.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// Its result.
    pub stdout: String,
    /// What it said to people.
    pub stderr: String,
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
}

impl Hub {
    /// `configuration`: the file; `logs`: an existing folder for what services say.
    #[must_use]
    pub fn new(binary: &Path, configuration: &Path, logs: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            configuration: configuration.to_owned(),
            environment: Vec::new(),
            logs: logs.to_owned(),
        }
    }

    /// Sets a variable that the configuration names.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ask(&self, arguments: &[&str]) -> Result<Spoken, StageError> {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(StageError::system(format!(
                "starting {}",
                self.binary.display()
            )))?;
        Ok(Spoken {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        })
    }

    /// Runs a command that must succeed, and gives what it printed.
    ///
    /// # Errors
    /// When it does not.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, StageError> {
        let spoken = self.ask(arguments).await?;
        if spoken.code == Some(0) {
            return Ok(spoken.stdout.trim().to_owned());
        }
        Err(StageError::Command {
            command: arguments.join(" "),
            status: spoken
                .code
                .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}")),
            said: format!("{}{}", spoken.stdout, spoken.stderr)
                .trim()
                .to_owned(),
        })
    }

    /// Starts a service, which writes to a log of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Service, StageError> {
        Service::start(self.command(arguments), &arguments.join(" "), &self.logs)
    }

    /// A command that is not started yet, for who wants to read along. Dropped, it is killed.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env("DRAGOMAN_CONFIG", &self.configuration)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true);
        command
    }
}
