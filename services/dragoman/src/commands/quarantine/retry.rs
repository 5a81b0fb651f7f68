//! `dragoman quarantine retry`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use dragoman_core::Event;
use dragoman_ingest::{Prospect, RetryOutcome};
use dragoman_store::QuarantineState;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::{checks, output, services};

/// How many of an adapter are run again by one command.
const MOST: i64 = 100_000;

/// Run deliveries again, through the mapping as it is now
///
/// Each delivery's events are shown before they are stored. With --dry-run they are shown
/// alone; whether the log has one of that id already is not looked at. What became events leaves the quarantine; of what did not it is said why, and it
/// stays. A delivery that was interrupted can be run again: its events are stored once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman quarantine retry 0198c0de-0000-7000-8000-000000000000\n  dragoman quarantine retry --adapter payments --dry-run\n  dragoman quarantine retry --adapter payments\n\nExits with 3 when one of them stays."
)]
pub(super) struct Retry {
    /// Their ids, from the list
    #[arg(required_unless_present = "adapter", value_name = "ID")]
    ids: Vec<Uuid>,
    /// All that wait of one adapter
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    adapter: Option<String>,
    /// Show what would come of them, and store nothing
    #[arg(long)]
    dry_run: bool,
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
            let (store, adapters) = (&hub.store, &findings.adapters);
            let prospect = dragoman_ingest::preview(store, adapters, &catalogue, id).await;
            let prospect = prospect.map_err(|error| Failure::from_error(&error))?;
            if prospect == Prospect::Unknown {
                return Err(Failure::usage(
                    format!("there is no quarantined delivery {id}"),
                    "`dragoman quarantine list` shows those that wait",
                ));
            }
            if self.dry_run || !self.json {
                self.foretell(id, &prospect)?;
            }
            if self.dry_run {
                kept += usize::from(matches!(prospect, Prospect::Kept { .. }));
                continue;
            }
            let outcome = dragoman_ingest::retry(store, adapters, &catalogue, id).await;
            let outcome = outcome.map_err(|error| Failure::from_error(&error))?;
            kept += usize::from(matches!(outcome, RetryOutcome::Kept { .. }));
            self.tell(id, &outcome)?;
        }
        if kept == 0 {
            Ok(())
        } else {
            Err(Failure::Wanting)
        }
    }

    /// What would come of a delivery. Of one that stays, people hear when it was tried,
    /// if it is.
    fn foretell(&self, id: Uuid, prospect: &Prospect) -> Result<(), Failure> {
        if self.json {
            return foretell_as_json(id, prospect);
        }
        match prospect {
            Prospect::Events(events) => {
                for event in events {
                    output::line(&format!(
                        "{id}: {} {} of {}: {}",
                        event.event_type, event.id, event.subject, event.data
                    ))?;
                }
                if events.is_empty() && self.dry_run {
                    output::line(&format!("{id}: nothing for us"))?;
                }
                Ok(())
            }
            Prospect::Kept { reason, detail } if self.dry_run => {
                output::line(&format!("{id}: would stay: {reason}: {detail}"))
            }
            Prospect::NotWaiting(state) if self.dry_run => output::line(&format!(
                "{id}: does not wait any more: it is {}",
                state.as_str()
            )),
            Prospect::Kept { .. } | Prospect::NotWaiting(_) | Prospect::Unknown => Ok(()),
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

/// An event as it would be stored.
#[derive(Debug, Serialize)]
struct Foretold<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    time: DateTime<Utc>,
    data: Box<RawValue>,
}

impl<'a> Foretold<'a> {
    fn of(event: &'a Event) -> Result<Self, Failure> {
        Ok(Self {
            id: &event.id,
            event_type: &event.event_type,
            subject: &event.subject,
            time: event.time,
            data: output::as_it_is(&event.data)?,
        })
    }
}

/// A delivery and what would come of it.
#[derive(Debug, Serialize)]
struct WouldStore<'a> {
    id: Uuid,
    outcome: &'static str,
    events: Vec<Foretold<'a>>,
}

fn foretell_as_json(id: Uuid, prospect: &Prospect) -> Result<(), Failure> {
    match prospect {
        Prospect::Events(events) => output::json(&WouldStore {
            id,
            outcome: "would_map",
            events: events.iter().map(Foretold::of).collect::<Result<_, _>>()?,
        }),
        Prospect::Kept { reason, detail } => output::json(
            &json!({ "id": id, "outcome": "would_stay", "reason": reason, "detail": detail }),
        ),
        Prospect::NotWaiting(state) => output::json(&not_waiting(id, *state)),
        Prospect::Unknown => output::json(&json!({ "id": id, "outcome": "unknown" })),
    }
}

fn not_waiting(id: Uuid, state: QuarantineState) -> Value {
    json!({ "id": id, "outcome": "not_waiting", "state": state.as_str() })
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
        RetryOutcome::NotWaiting(state) => not_waiting(id, *state),
        RetryOutcome::Unknown => json!({ "id": id, "outcome": "unknown" }),
    }
}
