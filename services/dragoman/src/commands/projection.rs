//! `dragoman projection`.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;

/// Pause a projection and let it go on
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman projection pause sales --reason 'the warehouse moves house'"
)]
pub(crate) struct Projection {
    #[command(subcommand)]
    command: ProjectionCommand,
}

#[derive(Debug, Subcommand)]
enum ProjectionCommand {
    Pause(Pause),
    Resume(Resume),
}

/// Let a projection finish what is in hand and wait; its events are kept
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman projection pause sales --reason 'index being built'")]
struct Pause {
    /// The projection
    name: String,
    /// Why, for whoever reads the status
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Let a projection go on where it stopped
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman projection resume sales")]
struct Resume {
    /// The projection
    name: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Projection {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        match self.command {
            ProjectionCommand::Pause(command) => command.run(&hub).await,
            ProjectionCommand::Resume(command) => command.run(&hub).await,
        }
    }
}

impl Pause {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        hub.config.require_projection(&self.name)?;
        hub.store
            .pause(&self.name, &self.reason)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return output::json(&json!({ "projection": self.name, "paused": true }));
        }
        output::line(&format!("{} is paused", self.name))
    }
}

impl Resume {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let was_paused = hub
            .store
            .resume(&self.name)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return output::json(&json!({ "projection": self.name, "paused": false }));
        }
        output::line(&if was_paused {
            format!("{} goes on", self.name)
        } else {
            format!("{} was not paused", self.name)
        })
    }
}
