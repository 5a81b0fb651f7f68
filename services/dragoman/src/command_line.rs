//! The command line as a whole; each command has its own file under `commands/`.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::failure::Failure;
use crate::globals::Globals;

/// Takes what systems say, in whatever form they say it, writes it down once as an
/// event, tells everyone who must know, and can prove it.
#[derive(Debug, Parser)]
#[command(
    name = "dragoman",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Begin:\n  dragoman init shop && cd shop && dragoman dev\n\nExit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 checked and found wanting"
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Init),
    Check(commands::check::Check),
    Dev(commands::dev::Dev),
    Run(commands::run::Run),
    Status(commands::status::StatusCommand),
    Events(commands::events::Events),
    Quarantine(commands::quarantine::Quarantine),
    Parked(commands::parked::Parked),
    Projection(commands::projection::Projection),
    Replay(commands::replay::Replay),
    Rebuild(commands::rebuild::Rebuild),
    Keys(commands::keys::Keys),
    Migrate(commands::migrate::Migrate),
    Schema(commands::schema::SchemaCommand),
    Completions(commands::completions::Completions),
}

impl Command {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why not, with the exit code that it means.
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        match self {
            Self::Init(command) => command.run(),
            Self::Check(command) => command.run(globals),
            Self::Dev(command) => command.run(globals).await,
            Self::Run(command) => command.run(globals).await,
            Self::Status(command) => command.run(globals).await,
            Self::Events(command) => command.run(globals).await,
            Self::Quarantine(command) => command.run(globals).await,
            Self::Parked(command) => command.run(globals).await,
            Self::Projection(command) => command.run(globals).await,
            Self::Replay(command) => command.run(globals).await,
            Self::Rebuild(command) => command.run(globals).await,
            Self::Keys(command) => command.run(globals).await,
            Self::Migrate(command) => command.run(globals).await,
            Self::Schema(command) => command.run(),
            Self::Completions(command) => command.run(),
        }
    }
}
