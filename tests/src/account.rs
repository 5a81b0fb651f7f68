//! As whom a Postgres of one's own runs: it refuses to run as root.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;

/// A user that programs can be given to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// `None` when this process is not root and may run Postgres itself; else
    /// `postgres`, else `nobody`.
    pub(crate) fn for_postgres() -> Option<Self> {
        // The owner of a process' entry in /proc is its effective user.
        let root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        if !root {
            return None;
        }
        ["postgres", "nobody"].into_iter().find_map(|name| {
            Some(Self {
                user: number_of("-u", name)?,
                group: number_of("-g", name)?,
            })
        })
    }

    /// Gives it a folder.
    pub(crate) fn own(self, folder: &Path) {
        chown(folder, Some(self.user), Some(self.group)).expect("root may give folders away");
    }

    /// The start of a command line that runs the rest of it as this user.
    pub(crate) fn with_setpriv(self) -> [String; 4] {
        [
            "setpriv".to_owned(),
            format!("--reuid={}", self.user),
            format!("--regid={}", self.group),
            "--clear-groups".to_owned(),
        ]
    }

    /// Lets a command run as this user.
    pub(crate) fn put_on(self, command: &mut Command) {
        use std::os::unix::process::CommandExt as _;
        command.uid(self.user).gid(self.group);
    }
}

fn number_of(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
