//! A service of the hub as a process that is watched, killed and stopped.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::StageError;

/// How long a service may take to finish what it has in hand; the hub's own limit is shorter.
const FAREWELL: Duration = Duration::from_secs(30);
/// How much of a log is shown when its service ended badly, in lines.
const LAST_LINES: usize = 15;

/// A running service. Dropped, it is killed.
///
/// It stays in the process group of this program, so that whoever ends the group ends
/// it too, even when this program was killed and could not.
#[derive(Debug)]
pub struct Service {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Service {
    pub(crate) fn start(mut command: Command, name: &str, logs: &Path) -> Result<Self, StageError> {
        let log = logs.join(format!("{}.log", name.replace(' ', "-")));
        let doing = || format!("starting `dragoman {name}`");
        let file = append_to(&log).map_err(StageError::system(doing()))?;
        let same_file = file.try_clone().map_err(StageError::system(doing()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(same_file)
            .spawn()
            .map_err(StageError::system(doing()))?;
        Ok(Self {
            name: name.to_owned(),
            log,
            child,
        })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// That it ended by itself, with the end of its log.
    pub fn must_run(&mut self) -> Result<(), StageError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(&status.to_string())),
            Err(source) => Err(StageError::System {
                doing: format!("watching `dragoman {}`", self.name),
                source,
            }),
        }
    }

    /// SIGKILL: it cannot finish anything.
    ///
    /// # Errors
    /// When it had ended by itself before.
    pub async fn kill(&mut self) -> Result<(), StageError> {
        self.must_run()?;
        self.child.kill().await.map_err(StageError::system(format!(
            "killing `dragoman {}`",
            self.name
        )))
    }

    /// SIGTERM, and waits until it has finished what it had in hand.
    ///
    /// # Errors
    /// When it ends with another code than 0, or not in time.
    pub async fn stop(mut self) -> Result<(), StageError> {
        let doing = || format!("stopping `dragoman {}`", self.name);
        let Some(process) = self.child.id() else {
            return Err(self.ended("an unknown status"));
        };
        Command::new("kill")
            .args(["-TERM", &process.to_string()])
            .status()
            .await
            .map_err(StageError::system(doing()))?;
        match timeout(FAREWELL, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.ended(&status.to_string())),
            Ok(Err(source)) => Err(StageError::System {
                doing: doing(),
                source,
            }),
            Err(_) => Err(StageError::TooLate {
                what: doing(),
                seconds: FAREWELL.as_secs(),
            }),
        }
    }

    fn ended(&self, status: &str) -> StageError {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LAST_LINES);
        StageError::Ended {
            service: self.name.clone(),
            status: status.to_owned(),
            said: lines.get(from..).unwrap_or_default().join("\n"),
        }
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
