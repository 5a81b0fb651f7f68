//! Contenders in processes of their own, which are this program again.

use std::path::Path;
use std::process::Command;

use dragoman_tests::{Process, tied};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// What a contender is to do. What it does not need is empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The URL of its database.
    pub(crate) postgres: String,
    /// The URL of the database that it writes to, where that is another one.
    pub(crate) target: String,
    /// The address of Kafka.
    pub(crate) kafka: String,
    /// Its topic.
    pub(crate) topic: String,
    /// How many events there are.
    pub(crate) events: i64,
    /// The port to listen on.
    pub(crate) port: u16,
}

/// A running contender, and its log.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its process.
    pub(crate) process: Process,
    _log: NamedTempFile,
}

impl Child {
    /// Starts a peer of that name.
    pub(crate) fn peer(name: &str, task: &Task) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = tied(&program, "KILL");
        command
            .args(["peer", name])
            .arg(serde_json::to_string(task).expect("a task can be written"));
        Self::start(name, command)
    }

    /// Starts a program of others.
    pub(crate) fn program(name: &str, arguments: impl FnOnce(&mut Command)) -> Self {
        let mut command = tied(Path::new(name), "KILL");
        arguments(&mut command);
        Self::start(name, command)
    }

    fn start(name: &str, command: Command) -> Self {
        let log = NamedTempFile::new().expect("a log can be made");
        Self {
            process: Process::start(name, command, log.path()),
            _log: log,
        }
    }
}

/// The task that a peer was started with.
pub(crate) fn read(text: &str) -> Task {
    serde_json::from_str(text).expect("a peer is started by the bench, with a task")
}
