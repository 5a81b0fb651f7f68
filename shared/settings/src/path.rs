//! Paths beside the configuration file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

use crate::reference::{expand, locate};

/// A file that exists and could be opened when the configuration was read.
/// Relative paths start at the folder of the file that names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePath(PathBuf);

/// A folder that existed when the configuration was read.
/// Relative paths start at the folder of the file that names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FolderPath(PathBuf);

impl FilePath {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its content as text.
    ///
    /// # Errors
    /// What the system says; content that is not UTF-8 is `InvalidData`.
    pub fn read(&self) -> io::Result<String> {
        std::fs::read_to_string(&self.0)
    }
}

impl FolderPath {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// As it is, unchecked: for tests and for paths that were found, not written.
impl From<PathBuf> for FilePath {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

/// As it is, unchecked: for tests and for paths that were found, not written.
impl From<PathBuf> for FolderPath {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

impl fmt::Display for FolderPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

const FROM_HERE: &str = "correct the path, which starts at the folder of the configuration file";

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = expand(&String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let path = locate(&written);
        let metadata = std::fs::File::open(&path).and_then(|file| file.metadata());
        match metadata {
            Ok(metadata) if metadata.is_file() => Ok(Self(path)),
            Ok(_) => Err(D::Error::custom(format!(
                "{} is not a file; {FROM_HERE}",
                path.display()
            ))),
            Err(error) => Err(D::Error::custom(format!(
                "the file {} cannot be read ({error}); create it, or {FROM_HERE}",
                path.display()
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for FolderPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = expand(&String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let path = locate(&written);
        match std::fs::read_dir(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) => Err(D::Error::custom(format!(
                "the folder {} cannot be read ({error}); create it, or {FROM_HERE}",
                path.display()
            ))),
        }
    }
}

impl JsonSchema for FilePath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FilePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A file; a relative path starts at the folder of this file."
        })
    }
}

impl JsonSchema for FolderPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FolderPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A folder; a relative path starts at the folder of this file."
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{FilePath, FolderPath};
    use crate::scope;

    #[test]
    fn paths_start_at_the_folder_of_the_scope_and_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("map.vrl"), "[]").unwrap();
        scope(folder.path(), || {
            let file: FilePath = serde_json::from_str("\"map.vrl\"").unwrap();
            assert_eq!(file.read().unwrap(), "[]");
            assert!(serde_json::from_str::<FolderPath>("\".\"").is_ok());
            for bad in ["\"absent.vrl\"", "\".\""] {
                let error = serde_json::from_str::<FilePath>(bad).unwrap_err();
                assert!(error.to_string().contains("configuration file"), "{bad}");
            }
            assert!(serde_json::from_str::<FolderPath>("\"map.vrl\"").is_err());
        });
    }
}
