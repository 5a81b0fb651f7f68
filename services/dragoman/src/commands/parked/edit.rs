//! `dragoman parked edit`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use dragoman_core::Position;
use dragoman_projector::ParkedSubject;
use dragoman_translate::Document;
use serde_json::json;

use super::selection::Selection;
use crate::checks;
use crate::failure::{Failure, chain};
use crate::hub::Hub;
use crate::output;
use crate::projections::Projection;

/// Decide that a projection sees other data in an event, and try its subject again
///
/// Of the subject the first waiting event is edited, the one that failed; with
/// --position another one that waits. The log keeps what came: other projections see
/// that. The decision is kept, with its reason; rebuild and replay apply it. What is sent
/// for an edited event has another idempotency key.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman parked show order-1 tells the position; dragoman events get POSITION --json shows the data\n  dragoman parked edit order-1 --data mended.json --reason 'postal code corrected by phone'\n  echo '{\"total\": 5}' | dragoman parked edit order-1 --projection crm --data - --reason 'total was in cents'"
)]
pub(super) struct Edit {
    /// The subject
    subject: String,
    /// The projection, when the subject is parked in several
    #[arg(long, value_name = "NAME")]
    projection: Option<String>,
    /// The event, when it is not the first that waits
    #[arg(long)]
    position: Option<i64>,
    /// The file with the data that the projection is to see, JSON; - reads them from the
    /// standard input
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Why, for whoever asks later
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Edit {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let data = read(&self.data)?;
        let (projection, parked) = self.parked(hub).await?;
        self.check(hub, &projection, &parked, &data).await?;
        let decided = projection
            .target
            .edit(
                &parked.projection,
                &parked.subject,
                self.position.map(Position),
                &data,
                &self.reason,
            )
            .await
            .map_err(|error| Failure::from_error(&error))?;
        let Some(decision) = decided else {
            return Err(Failure::failed(
                format!(
                    "{} of {} did not wait any more",
                    parked.subject, parked.projection
                ),
                "`dragoman parked list` shows what waits now",
            ));
        };
        let identity = &decision.identity;
        if self.json {
            return output::json(&json!({
                "projection": decision.projection, "subject": parked.subject,
                "position": identity.position, "source": identity.source, "id": identity.id,
                "decision": decision.verdict.as_str(), "reason": decision.reason,
                "decided_at": decision.decided_at,
            }));
        }
        output::line(&format!(
            "{} sees the edited data in {identity} ({}); it is tried again",
            decision.projection, parked.subject
        ))
    }

    /// The one parked subject that is meant.
    async fn parked(&self, hub: &Hub) -> Result<(Projection, ParkedSubject), Failure> {
        let selection = Selection {
            projection: self.projection.clone(),
            reason_like: None,
        };
        let found = selection
            .find(hub, std::slice::from_ref(&self.subject))
            .await?;
        found.complete()?;
        let mut subjects = found.subjects.into_iter();
        let Some((projection, parked)) = subjects.next() else {
            return Err(Failure::usage(
                format!("the subject `{}` is not parked", self.subject),
                "`dragoman parked list` shows those that are",
            ));
        };
        if let Some((_, other)) = subjects.find(|(_, other)| other.projection != parked.projection)
        {
            return Err(Failure::usage(
                format!(
                    "the subject `{}` is parked in {} and in {}",
                    self.subject, parked.projection, other.projection
                ),
                "say which with --projection",
            ));
        }
        Ok((projection, parked))
    }

    /// That the type's schema allows the data.
    async fn check(
        &self,
        hub: &Hub,
        projection: &Projection,
        parked: &ParkedSubject,
        data: &str,
    ) -> Result<(), Failure> {
        let document = Document::parse(data.as_bytes()).map_err(|error| {
            Failure::usage(
                format!("the data are no JSON: {}", chain(&error)),
                "`dragoman events get POSITION --json` shows the data that came",
            )
        })?;
        let events = projection
            .target
            .parked_events(&parked.projection, &parked.subject)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        let edited = events.iter().find(|event| {
            self.position
                .is_none_or(|at| event.identity.position.0 == at)
        });
        let Some(edited) = edited else {
            return Err(Failure::usage(
                "no event of the subject waits at that position",
                format!(
                    "`dragoman parked show {}` lists those that wait",
                    parked.subject
                ),
            ));
        };
        let findings = checks::check_projections(&hub.config);
        let Some(Some(schema)) = findings.schemas.get(&edited.event_type) else {
            return Ok(());
        };
        schema.validate(document.root()).map_err(|violations| {
            let all: Vec<String> = violations
                .iter()
                .map(|violation| format!("{}: {}", violation.pointer, violation.message))
                .collect();
            Failure::usage(
                format!(
                    "the data break the schema of {}: {}",
                    edited.event_type,
                    all.join("; ")
                ),
                "correct the data; every program of the projection relies on the schema",
            )
        })
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| {
        Failure::usage(
            format!("{} cannot be read: {error}", file.display()),
            "name a file of UTF-8 text, or - for the standard input",
        )
    })
}
