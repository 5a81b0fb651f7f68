//! `dragoman parked`: subjects whose events wait because one of them failed.

mod edit;
mod list;
mod release;
mod selection;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;

/// Subjects whose events wait, because the first of them could not be applied
///
/// Events of other subjects are not held up. Within the subject the order is kept:
/// what came later waits behind the one that failed.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman parked list, mend the cause, then: dragoman parked retry --projection sales"
)]
pub(crate) struct Parked {
    #[command(subcommand)]
    command: ParkedCommand,
}

#[derive(Debug, Subcommand)]
enum ParkedCommand {
    List(list::List),
    Show(list::Show),
    Retry(release::Retry),
    Edit(edit::Edit),
    Skip(release::Skip),
}

impl Parked {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        match self.command {
            ParkedCommand::List(command) => command.run(&hub).await,
            ParkedCommand::Show(command) => command.run(&hub).await,
            ParkedCommand::Retry(command) => command.run(&hub).await,
            ParkedCommand::Edit(command) => command.run(&hub).await,
            ParkedCommand::Skip(command) => command.run(&hub).await,
        }
    }
}
