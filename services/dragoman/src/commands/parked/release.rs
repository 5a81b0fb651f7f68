//! `dragoman parked retry` and `skip`.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::selection::{Found, Selection};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::projections::Projection;

/// Try parked subjects again, now
///
/// The process that runs the projection does it, within about a second: look at
/// `dragoman parked list` for what came of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman parked retry order-1 order-2\n  dragoman parked retry --projection sales\n  dragoman parked retry --reason-like 'does not fit'"
)]
pub(super) struct Retry {
    /// The subjects; left out, all that the other options choose
    subjects: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Decide that an event never takes effect in a projection, and go on behind it
///
/// Of each subject the first waiting event is skipped, the one that failed; with
/// --all, every one that waits now. The decision is kept, with its reason: rebuild
/// applies it too.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman parked skip order-1 --reason 'a test order'\n  dragoman parked skip --projection sales --reason-like 'does not fit' --all --reason 'sent in pounds, booked by hand'"
)]
pub(super) struct Skip {
    /// The subjects; left out, all that the other options choose
    subjects: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Every event of the subject that waits now, instead of the first
    #[arg(long)]
    all: bool,
    /// Why, for whoever asks later
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Retry {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let found = choose(hub, &self.selection, &self.subjects).await?;
        for (projection, name, subject) in distinct(&found) {
            let asked = projection
                .target
                .retry(name, subject)
                .await
                .map_err(|error| Failure::from_error(&error))?;
            if self.json {
                output::json(&json!({
                    "projection": name, "subject": subject, "asked": asked > 0,
                }))?;
            } else if asked > 0 {
                output::line(&format!("{subject} of {name} is tried again"))?;
            } else {
                output::line(&format!("{subject} of {name} did not wait any more"))?;
            }
        }
        found.complete()
    }
}

impl Skip {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let found = choose(hub, &self.selection, &self.subjects).await?;
        for (projection, name, subject) in distinct(&found) {
            let decisions = projection
                .target
                .skip(name, subject, self.all, &self.reason)
                .await
                .map_err(|error| Failure::from_error(&error))?;
            if decisions.is_empty() && !self.json {
                output::line(&format!("{subject} of {name} did not wait any more"))?;
            }
            for decision in decisions {
                let identity = &decision.identity;
                if self.json {
                    output::json(&json!({
                        "projection": name, "subject": subject, "position": identity.position,
                        "source": identity.source, "id": identity.id,
                        "decision": decision.verdict.as_str(), "reason": decision.reason,
                        "decided_at": decision.decided_at,
                    }))?;
                } else {
                    output::line(&format!("{name} skips {identity} ({subject})"))?;
                }
            }
        }
        found.complete()
    }
}

/// What the command line chooses. Everything is never meant.
async fn choose(hub: &Hub, selection: &Selection, subjects: &[String]) -> Result<Found, Failure> {
    if subjects.is_empty() && selection.is_empty() {
        return Err(Failure::usage(
            "nothing says which parked subjects are meant",
            "name subjects, or choose many with --projection or --reason-like",
        ));
    }
    let found = selection.find(hub, subjects).await?;
    if found.subjects.is_empty() && subjects.is_empty() {
        output::error_line("nothing that is parked fits");
    }
    for subject in subjects {
        let parked = found
            .subjects
            .iter()
            .any(|(_, parked)| parked.subject == *subject);
        if !parked {
            found.complete()?;
            return Err(Failure::usage(
                format!("the subject `{subject}` is not parked, and nothing was done"),
                "`dragoman parked list` shows those that are",
            ));
        }
    }
    Ok(found)
}

/// Each subject of each projection once, though it may be parked in several topics.
fn distinct(found: &Found) -> Vec<(&Projection, &str, &str)> {
    let mut seen = BTreeSet::new();
    found
        .subjects
        .iter()
        .map(|(projection, parked)| {
            (
                projection,
                parked.projection.as_str(),
                parked.subject.as_str(),
            )
        })
        .filter(|(_, name, subject)| seen.insert((*name, *subject)))
        .collect()
}
