//! Where Postgres' own programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrivatePostgresError;

/// A folder that holds `postgres`, `initdb` and `pg_ctl` of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries(PathBuf);

impl Binaries {
    /// The newest of Debian's, else what is in `PATH`, else where `pg_config` says.
    ///
    /// # Errors
    /// When there are none.
    pub(super) fn find() -> Result<Self, PrivatePostgresError> {
        debian()
            .into_iter()
            .chain(in_path())
            .chain(pg_config())
            .find(|folder| {
                ["postgres", "initdb", "pg_ctl"]
                    .iter()
                    .all(|program| folder.join(program).is_file())
            })
            .map(Self)
            .ok_or(PrivatePostgresError::NotInstalled)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The major version of the server, the word that a cluster's `PG_VERSION` holds.
    pub(super) fn version(&self) -> Option<String> {
        let output = Command::new(self.program("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .and_then(|version| version.split(['.', 'd', 'b', 'r']).next())
            .map(str::to_owned)
    }
}

fn debian() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn in_path() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(Path::new(folder.trim()).to_owned())
}
