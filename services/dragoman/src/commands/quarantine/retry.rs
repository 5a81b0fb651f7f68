//! `dragoman quarantine retry`.

use std::sync::Arc;

use clap::Args;
use dragoman_ingest::RetryOutcome;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::{checks, output, services};

/// How many of an adapter are run again by one command.
const MOST: i64 = 100_000;

/// Run deliveries again, through the mapping as it is now
///
/// What became events leaves the quarantine; of what did not it is said why, and it
/// stays. A delivery that was interrupted can be run again: its events are stored once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman quarantine retry 0198c0de-0000-7000-8000-000000000000\n  dragoman quarantine retry --adapter payments\n\nExits with 3 when one of them stays."
)]
pub(super) struct Retry {
    /// Their ids, from the list
    #[arg(required_unless_present = "adapter", value_name = "ID")]
    ids: Vec<Uuid>,
    /// All that wait of one adapter
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    adapter: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Retry {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let findings = checks::check_adapters(&hub.config);
        if !findings.problems.is_empty() {
            return Err(Failure::Configuration(findings.problems));
        }
        let catalogue = services::catalogue(&hub.config, Arc::new(findings.schemas));
        let ids = match &self.adapter {
            None => self.ids.clone(),
            Some(adapter) => {
                let waiting = hub.store.list_quarantine(Some(adapter), MOST).await;
                let waiting = waiting.map_err(|error| Failure::from_error(&error))?;
                waiting.into_iter().map(|delivery| delivery.id).collect()
            }
        };
        if ids.is_empty() && !self.json {
            return output::line("nothing of it is in quarantine");
        }
        let mut kept = 0_usize;
        for id in ids {
            let outcome = dragoman_ingest::retry(&hub.store, &findings.adapters, &catalogue, id)
                .await
                .map_err(|error| Failure::from_error(&error))?;
            if outcome == RetryOutcome::Unknown {
                return Err(Failure::usage(
                    format!("there is no quarantined delivery {id}"),
                    "`dragoman quarantine list` shows those that wait",
                ));
            }
            kept += usize::from(matches!(outcome, RetryOutcome::Kept { .. }));
            self.tell(id, &outcome)?;
        }
        if kept == 0 {
            Ok(())
        } else {
            Err(Failure::Wanting)
        }
    }

    fn tell(&self, id: Uuid, outcome: &RetryOutcome) -> Result<(), Failure> {
        if self.json {
            return output::json(&as_json(id, outcome));
        }
        let became = match outcome {
            RetryOutcome::Stored { stored, duplicate } => {
                format!("{stored} events stored, {duplicate} known already")
            }
            RetryOutcome::Ignored => "nothing for us".to_owned(),
            RetryOutcome::Kept { reason, detail } => format!("stays: {reason}: {detail}"),
            RetryOutcome::NotWaiting(state) => {
                format!("did not wait any more: it is {}", state.as_str())
            }
            RetryOutcome::Unknown => "there is none of that id".to_owned(),
        };
        output::line(&format!("{id}: {became}"))
    }
}

fn as_json(id: Uuid, outcome: &RetryOutcome) -> Value {
    match outcome {
        RetryOutcome::Stored { stored, duplicate } => {
            json!({ "id": id, "outcome": "stored", "stored": stored, "duplicate": duplicate })
        }
        RetryOutcome::Ignored => json!({ "id": id, "outcome": "ignored" }),
        RetryOutcome::Kept { reason, detail } => {
            json!({ "id": id, "outcome": "kept", "reason": reason, "detail": detail })
        }
        RetryOutcome::NotWaiting(state) => {
            json!({ "id": id, "outcome": "not_waiting", "state": state.as_str() })
        }
        RetryOutcome::Unknown => json!({ "id": id, "outcome": "unknown" }),
    }
}
