//! As whom the private Postgres runs. It refuses to run as root.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::PrivatePostgresError;

/// A user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// Nobody else when this process is not root; else `postgres`, else `nobody`.
    ///
    /// # Errors
    /// When this process is root and there is neither.
    pub(super) fn choose() -> Result<Option<Self>, PrivatePostgresError> {
        if !is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd")
            .map_err(PrivatePostgresError::io("reading /etc/passwd"))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&users, name))
            .map(Some)
            .ok_or(PrivatePostgresError::NoAccount)
    }

    /// Lets a program run as this user, without the groups of root.
    pub(super) fn put_on(account: Option<Self>, command: &mut Command) {
        if let Some(account) = account {
            command.uid(account.user).gid(account.group);
        }
    }

    /// Gives a file or folder to this user.
    pub(super) fn own(account: Option<Self>, path: &Path) -> Result<(), PrivatePostgresError> {
        let Some(account) = account else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(account.user), Some(account.group)).map_err(
            PrivatePostgresError::io(format!("giving {} to the user postgres", path.display())),
        )
    }

    /// Whether this user can get to the folder: each folder above lets everyone, or
    /// it, pass.
    pub(super) fn can_reach(self, folder: &Path) -> bool {
        folder.ancestors().all(|above| {
            std::fs::metadata(above).is_ok_and(|metadata| {
                let mode = metadata.mode();
                mode & 0o001 != 0
                    || (metadata.uid() == self.user && mode & 0o100 != 0)
                    || (metadata.gid() == self.group && mode & 0o010 != 0)
            })
        })
    }
}

fn is_root() -> bool {
    // The owner of a process' entry in /proc is its effective user.
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Account { user, group })
    })
}

#[cfg(test)]
mod tests {
    use super::{Account, find};

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:100:102::/:\n";
        assert_eq!(
            find(users, "postgres"),
            Some(Account {
                user: 100,
                group: 102
            })
        );
        assert_eq!(find(users, "nobody"), None);
    }
}
