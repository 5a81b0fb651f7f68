//! A file system with little room, which goes with the test: in a mount namespace of its
//! own, held by a process that dies with the thread that started it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::eventually;
use crate::process::{Process, tied};

/// A folder that holds little. Only those see it who are sent into it.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    keeper: Process,
    folder: PathBuf,
}

impl SmallDisk {
    /// Lays one over a folder. Only root can.
    pub(crate) async fn over(folder: &Path, megabytes: u32) -> Self {
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=0777 tmpfs '{0}' && touch '{0}/{READY}' && exec sleep infinity",
            folder.display()
        );
        let mut command = tied(Path::new("unshare"), "KILL");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
        let log = folder.with_extension("log");
        let mut disk = Self {
            keeper: Process::start("a small disk", command, &log),
            folder: folder.to_owned(),
        };
        eventually("there is a small disk", async || {
            disk.keeper.assert_running();
            disk.seen_from_outside(READY).exists()
        })
        .await;
        disk
    }

    /// A program that sees it, as that user. It ends with the thread that starts it.
    pub(crate) fn command(&self, program: &Path, account: Account, signal: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--target", &self.keeper.id().to_string(), "--"])
            .args(account.with_setpriv())
            // Last: changing the user forgets it.
            .args(["--pdeathsig", signal])
            .arg(program);
        command
    }

    /// Leaves no room.
    pub(crate) fn fill(&self) {
        let mut ballast =
            File::create(self.seen_from_outside(BALLAST)).expect("a file can be made");
        for piece in [1 << 20, 4 << 10] {
            let piece = vec![0; piece];
            while ballast.write_all(&piece).is_ok() {}
        }
    }

    /// Makes room again.
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.seen_from_outside(BALLAST)).expect("a file can be removed");
    }

    /// Its files as they are seen by those who do not see it.
    fn seen_from_outside(&self, file: &str) -> PathBuf {
        let folder = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        Path::new("/proc")
            .join(self.keeper.id().to_string())
            .join("root")
            .join(folder)
            .join(file)
    }
}

const READY: &str = "ready";
const BALLAST: &str = "ballast";
