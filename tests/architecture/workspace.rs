//! The workspace as `cargo metadata` and the file system show it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// A crate of ours.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// From the root of the workspace: `shared/store`.
    pub(crate) folder: String,
    /// What it depends on, for whatever purpose: ours and others'.
    pub(crate) dependencies: Vec<String>,
}

/// A file of Rust.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// From the root of the workspace.
    pub(crate) path: String,
    pub(crate) text: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in a workspace")
        .to_owned()
}

/// Every crate of the workspace.
pub(crate) fn crates() -> Vec<Crate> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--locked",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let crates: Vec<Crate> = metadata
        .packages
        .into_iter()
        .map(|package| Crate {
            folder: relative(
                package.manifest_path.parent().unwrap(),
                &metadata.workspace_root,
            ),
            name: package.name,
            dependencies: package.dependencies.into_iter().map(|d| d.name).collect(),
        })
        .collect();
    assert!(crates.len() > 8, "cargo shows only {} crates", crates.len());
    crates
}

/// Every file of Rust below a folder of the workspace.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source {
                    path: relative(&path, &root),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    found
}

/// Every file of Rust in the workspace.
pub(crate) fn all_sources() -> Vec<Source> {
    let all: Vec<Source> = crates()
        .iter()
        .flat_map(|member| sources(&member.folder))
        .collect();
    assert!(all.len() > 100, "only {} files were found", all.len());
    all
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}
