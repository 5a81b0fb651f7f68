//! `dragoman migrate`.

use clap::Args;
use dragoman_store::RebaseOutcome;
use serde_json::json;

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::{Hub, catalogue_of};
use crate::output;

/// Bring the hub's schema to this program's version, and the catalogue to the configuration
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman migrate\n  dragoman migrate --rebase    after a dump and restore into another cluster"
)]
pub(crate) struct Migrate {
    /// Take over the log in a cluster whose transaction ids are not those that the ledger speaks of
    #[arg(long)]
    rebase: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open_any_schema(globals)?;
        let catalogue = catalogue_of(&hub.config)?;
        let outcome = hub
            .store
            .migrate()
            .await
            .map_err(|error| Failure::from_error(&error))?;
        hub.store
            .synchronise_catalogue(&catalogue)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        let rebased = if self.rebase {
            let outcome = hub.store.rebase().await;
            Some(outcome.map_err(|error| Failure::from_error(&error))?)
        } else {
            None
        };
        if self.json {
            return output::json(&json!({
                "applied": outcome.applied,
                "event_types": catalogue.len(),
                "rebased": matches!(rebased, Some(RebaseOutcome::Rebased { .. })),
            }));
        }
        if outcome.applied.is_empty() {
            output::line("the schema is up to date")?;
        }
        for name in &outcome.applied {
            output::line(&format!("applied {name}"))?;
        }
        match rebased {
            None => {}
            Some(RebaseOutcome::NotNeeded) => {
                output::line("the ledger was sealed in this cluster: nothing to rebase")?;
            }
            Some(RebaseOutcome::Rebased { kept, sealed }) => output::line(&format!(
                "the log is this cluster's now: {kept} events kept their position, {sealed} got theirs"
            ))?,
        }
        output::line(&format!(
            "the catalogue has {} event types",
            catalogue.len()
        ))
    }
}
