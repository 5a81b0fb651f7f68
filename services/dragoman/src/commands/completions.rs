//! `dragoman completions`.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::command_line::CommandLine;
use crate::failure::Failure;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman completions bash > /etc/bash_completion.d/dragoman")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        clap_complete::generate(
            self.shell,
            &mut CommandLine::command(),
            "dragoman",
            &mut io::stdout(),
        );
        Ok(())
    }
}
