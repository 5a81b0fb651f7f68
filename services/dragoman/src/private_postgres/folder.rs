//! The folder `.dragoman` beside the configuration.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::PrivatePostgresError;

/// The folder, held for as long as this lives: no second `dragoman dev` runs in it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder beside the configuration if need be, and takes it.
    ///
    /// # Errors
    /// When another `dragoman dev` has it, or it cannot be made.
    pub(crate) fn take(project: &Path) -> Result<Self, PrivatePostgresError> {
        let path = path_in(project);
        std::fs::create_dir_all(&path).map_err(PrivatePostgresError::io(format!(
            "making {}",
            path.display()
        )))?;
        let path = path
            .canonicalize()
            .map_err(PrivatePostgresError::io(format!(
                "finding {}",
                path.display()
            )))?;
        write(&path.join(".gitignore"), "*\n", 0o644)?;
        let lock_path = path.join("dev.lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(PrivatePostgresError::io(format!(
                "opening {}",
                lock_path.display()
            )))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(PrivatePostgresError::InUse {
                folder: project.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(PrivatePostgresError::Io {
                doing: format!("locking {}", lock_path.display()),
                source,
            }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The password of the database user: made once, kept beside the cluster.
    pub(super) fn password(&self) -> Result<String, PrivatePostgresError> {
        let path = self.path.join("password");
        match std::fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => self.new_password(&path),
            Err(error) if error.kind() == ErrorKind::NotFound => self.new_password(&path),
            Err(source) => Err(PrivatePostgresError::Io {
                doing: format!("reading {}", path.display()),
                source,
            }),
        }
    }

    fn new_password(&self, path: &Path) -> Result<String, PrivatePostgresError> {
        let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        write(path, &password, 0o600)?;
        Ok(password)
    }

    /// The port of the last time, so that the sessions of people find their way back.
    pub(super) fn last_port(&self) -> Option<u16> {
        let text = std::fs::read_to_string(self.path.join("port")).ok()?;
        text.trim().parse().ok()
    }

    /// Leaves word for other commands of where the server is.
    pub(super) fn announce(&self, url: &str, port: u16) -> Result<(), PrivatePostgresError> {
        write(&self.path.join("port"), &port.to_string(), 0o644)?;
        write(&url_file(&self.path), url, 0o600)
    }

    /// Takes that word back.
    pub(super) fn withdraw(&self) {
        if let Err(error) = std::fs::remove_file(url_file(&self.path))
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, "the address of the private Postgres could not be taken back");
        }
    }
}

/// The URL of the private Postgres that runs beside this configuration, if one does
/// (or did, when it was killed).
pub(crate) fn running_url(project: &Path) -> Option<String> {
    std::fs::read_to_string(url_file(&path_in(project)))
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn path_in(project: &Path) -> PathBuf {
    project.join(".dragoman")
}

fn url_file(folder: &Path) -> PathBuf {
    folder.join("postgres.url")
}

/// Writes a small file whole: another process sees the old or the new one.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), PrivatePostgresError> {
    let new = path.with_extension("new");
    let result = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&new, path));
    result.map_err(PrivatePostgresError::io(format!(
        "writing {}",
        path.display()
    )))
}
