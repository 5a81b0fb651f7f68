//! `dragoman rebuild`.

use clap::Args;
use serde_json::json;

use crate::failure::{Failure, chain};
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;
use crate::progress::Progress;
use crate::projections::Projection;
use crate::services::instance;

/// Build the table of a projection again from the log, beside the live one, then swap them
///
/// The live table goes on meanwhile, and readers find either the one or the other.
/// Interrupted, it changes nothing. What operators skipped stays skipped. This is also
/// how a changed definition takes effect; where the rows are right as they are,
/// --accept-definition says so instead.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman rebuild sales\n  dragoman rebuild sales --accept-definition --reason 'only renamed a variable in a program'"
)]
pub(crate) struct Rebuild {
    /// The projection
    name: String,
    /// Build nothing: take the rows, made by another definition, as this one's
    #[arg(long, requires = "reason")]
    accept_definition: bool,
    /// Why the rows are right as they are; it is kept
    #[arg(long, requires = "accept_definition", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        let projections = hub.projections()?;
        let projection = projections.get(&hub.config, &self.name)?;
        match &self.reason {
            Some(reason) => self.accept(projection, reason).await,
            None => self.build(&hub, projection).await,
        }
    }

    async fn accept(&self, projection: &Projection, reason: &str) -> Result<(), Failure> {
        projection
            .target
            .accept_definition(&projection.definition, reason)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return output::json(&json!({ "projection": self.name, "accepted": true }));
        }
        output::line(&format!(
            "the rows of {} count as made by its definition; start the projection again if it halted",
            self.name
        ))
    }

    async fn build(&self, hub: &Hub, projection: &Projection) -> Result<(), Failure> {
        let progress = Progress::start(&self.name);
        let outcome = dragoman_projector::rebuild(
            &projection.definition,
            &hub.store,
            &projection.target,
            &instance(),
            &|reached| progress.show(reached.position, reached.head),
        )
        .await
        .map_err(|error| Failure::failed(chain(&error), error.remedy()));
        progress.end();
        let outcome = outcome?;
        if self.json {
            return output::json(&json!({
                "projection": self.name, "generation": outcome.generation,
                "position": outcome.position, "applied": outcome.applied,
                "parked_events": outcome.parked,
            }));
        }
        output::line(&format!(
            "{} is rebuilt: generation {}, up to position {}, {} events applied, {} parked",
            self.name, outcome.generation, outcome.position, outcome.applied, outcome.parked
        ))
    }
}
