//! The options of every command.

use std::path::PathBuf;

use clap::Args;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "DRAGOMAN_CONFIG",
        hide_env_values = true,
        default_value = "dragoman.yaml"
    )]
    pub(crate) config: PathBuf,
    /// What to log, as in `info` or `dragoman_relay=debug`; to stderr
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "RUST_LOG",
        hide_env_values = true
    )]
    pub(crate) log: Option<String>,
}
