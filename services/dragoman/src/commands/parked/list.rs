//! `dragoman parked list` and `show`.

use clap::{Args, ValueEnum};
use dragoman_projector::{ParkedEvent, ParkedState, ParkedSubject};
use serde_json::{Value, json};

use super::selection::Selection;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

/// List parked subjects, by projection and first position
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman parked list --projection sales --state held\n  dragoman parked list --reason-like 'does not fit' --json"
)]
pub(super) struct List {
    #[command(flatten)]
    selection: Selection,
    /// Only those of one subject
    #[arg(long)]
    subject: Option<String>,
    /// Only those that are tried again by themselves, or that wait for you
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Retrying,
    Held,
}

/// Show one parked subject with its waiting events, first to last
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman parked show order-1\n  dragoman events get POSITION shows an event whole"
)]
pub(super) struct Show {
    /// The subject
    subject: String,
    /// The projection, when the subject is parked in several
    #[arg(long, value_name = "NAME")]
    projection: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let subjects: Vec<String> = self.subject.iter().cloned().collect();
        let mut found = self.selection.find(hub, &subjects).await?;
        found.subjects.retain(|(_, parked)| {
            self.state
                .is_none_or(|wanted| (wanted == State::Held) == (parked.state == ParkedState::Held))
        });
        if self.json {
            for (_, parked) in &found.subjects {
                output::json(&object(parked))?;
            }
            return found.complete();
        }
        if found.subjects.is_empty() {
            output::line("nothing is parked")?;
            return found.complete();
        }
        let rows = found.subjects.iter().map(|(_, parked)| {
            vec![
                parked.projection.clone(),
                parked.subject.clone(),
                word(parked.state).to_owned(),
                parked.events.to_string(),
                parked.first_position.to_string(),
                parked.attempts.to_string(),
                parked.reason.clone(),
            ]
        });
        let head = [
            "projection",
            "subject",
            "state",
            "events",
            "first position",
            "attempts",
            "reason",
        ];
        output::line(&output::table(&head, rows).to_string())?;
        found.complete()
    }
}

impl Show {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let selection = Selection {
            projection: self.projection,
            reason_like: None,
        };
        let found = selection
            .find(hub, std::slice::from_ref(&self.subject))
            .await?;
        found.complete()?;
        if found.subjects.is_empty() {
            return Err(Failure::usage(
                format!("the subject `{}` is not parked", self.subject),
                "`dragoman parked list` shows those that are",
            ));
        }
        for (projection, parked) in &found.subjects {
            let events = projection
                .target
                .parked_events(&parked.projection, &parked.subject)
                .await
                .map_err(|error| Failure::from_error(&error))?;
            if self.json {
                output::json(&whole(parked, &events))?;
            } else {
                show(parked, &events)?;
            }
        }
        Ok(())
    }
}

fn show(parked: &ParkedSubject, events: &[ParkedEvent]) -> Result<(), Failure> {
    output::line(&format!(
        "{} of projection {}, topic {}: {} since {}, tried {} times",
        parked.subject,
        parked.projection,
        parked.topic,
        word(parked.state),
        parked.parked_at.format("%Y-%m-%d %H:%M:%S"),
        parked.attempts
    ))?;
    output::line(&parked.reason)?;
    if let Some(next) = parked.next_attempt {
        output::line(&format!("tried again at {}", next.to_rfc3339()))?;
    }
    let rows = events.iter().map(|event| {
        vec![
            event.identity.position.to_string(),
            event.event_type.clone(),
            event.identity.source.clone(),
            event.identity.id.clone(),
        ]
    });
    let head = ["position", "type", "source", "id"];
    output::line(&output::table(&head, rows).to_string())
}

/// A parked subject as scripts see it.
fn object(parked: &ParkedSubject) -> Value {
    json!({
        "projection": parked.projection, "subject": parked.subject, "topic": parked.topic,
        "state": word(parked.state), "events": parked.events,
        "first_position": parked.first_position, "reason": parked.reason,
        "attempts": parked.attempts, "next_attempt": parked.next_attempt,
        "parked_at": parked.parked_at,
    })
}

fn whole(parked: &ParkedSubject, events: &[ParkedEvent]) -> Value {
    let waiting: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "position": event.identity.position, "type": event.event_type,
                "source": event.identity.source, "id": event.identity.id,
            })
        })
        .collect();
    let mut object = object(parked);
    if let Some(members) = object.as_object_mut() {
        members.insert("waiting".to_owned(), Value::Array(waiting));
    }
    object
}

const fn word(state: ParkedState) -> &'static str {
    match state {
        ParkedState::Retrying => "retrying",
        ParkedState::Held => "held",
    }
}
