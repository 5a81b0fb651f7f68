//! A clock that is set while the hub works.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// What tells the time to those who load it.
const SHIM: &str = include_str!("clock.c");

/// What the hub's processes take for the time of day. The clock by which they measure how
/// long something takes goes on as it is, as it does when somebody sets the time.
#[derive(Debug)]
pub(in crate::attack) struct Clock {
    folder: TempDir,
    ahead: File,
}

impl Clock {
    /// One that is right.
    ///
    /// # Panics
    /// When it cannot be compiled.
    pub(in crate::attack) fn right() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let ahead = File::create(folder.path().join("ahead")).expect("a file can be made");
        let clock = Self { folder, ahead };
        clock.set(0);
        let source = clock.path("clock.c");
        fs::write(&source, SHIM).expect("a file can be written");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([clock.path("clock.so"), source])
            .output()
            .expect("there is a C compiler");
        let said = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "no clock: {said}");
        clock
    }

    /// What a process has in its environment to go by it.
    pub(in crate::attack) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |name| self.path(name).display().to_string();
        [
            ("LD_PRELOAD", text("clock.so")),
            ("DRAGOMAN_TEST_CLOCK", text("ahead")),
        ]
    }

    /// Sets it so many seconds before or behind the time.
    pub(in crate::attack) fn set(&self, ahead: i64) {
        // Processes look at these very bytes.
        let set = self.ahead.write_all_at(&ahead.to_ne_bytes(), 0);
        set.expect("the file of the clock can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
