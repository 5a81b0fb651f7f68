//! Running the real binary.

use std::path::Path;
use std::process::{Command, Output};

/// The binary in a folder, with an environment that says nothing about it.
pub(crate) fn dragoman(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    command
        .current_dir(folder)
        .env_remove("DRAGOMAN_CONFIG")
        .env_remove("RUST_LOG")
        .env_remove("DATABASE_URL")
        .env_remove("RUST_BACKTRACE");
    command
}

/// What it wrote and how it ended, for a snapshot.
pub(crate) fn shown(output: &Output) -> String {
    format!(
        "exit code {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
