//! A running `dragoman dev` in a project folder.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::dragoman;
use tempfile::TempDir;

/// A folder that any user can get to, as Postgres is not run by root.
pub(crate) fn open_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("dragoman-dev-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap()
}

/// A running `dragoman dev`; killed when the test ends early.
pub(crate) struct Dev(Child);

impl Dev {
    /// Starts it and waits until commands find its database.
    pub(crate) fn start(folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("dev.log")).unwrap();
        let child = dragoman(folder)
            .arg("dev")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut dev = Self(child);
        wait("dev answers", || {
            assert!(dev.0.try_wait().unwrap().is_none(), "{}", read_log(folder));
            keys_list(folder).success()
        });
        dev
    }

    pub(crate) fn signal(&self, name: &str) {
        send_signal(name, self.0.id());
    }

    /// Waits for its end, and gives the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        wait("dev ends", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn send_signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) fn read_log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("dev.log")).unwrap_or_default()
}

pub(crate) fn keys_list(folder: &Path) -> ExitStatus {
    dragoman(folder)
        .args(["keys", "list", "--json"])
        .output()
        .unwrap()
        .status
}

pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
