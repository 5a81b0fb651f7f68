//! `dragoman events`: what stands in the log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use dragoman_core::{Position, RecordedEvent, TypePattern};
use dragoman_store::{EventFilter, EventPage};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::bound::Bound;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;

/// How often the tail looks for more.
const TAIL_PAUSE: Duration = Duration::from_millis(300);
/// How many events are read at once.
const PAGE: usize = 500;

/// Read the sealed log
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman events list --type 'order.*' --from 2026-11-01 --json"
)]
pub(crate) struct Events {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    List(List),
    Get(Get),
    Tail(Tail),
}

/// List events by position
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman events list --subject order-1\n  dragoman events list --type 'order.*' --from 2026-11-01 --to 2026-11-02 --json"
)]
struct List {
    #[command(flatten)]
    filter: Filter,
    /// From this position or time on, included: 42, 2026-11-01, 2026-11-01T08:00:00Z
    #[arg(long, value_name = "WHERE")]
    from: Option<Bound>,
    /// Up to this position or time, included
    #[arg(long, value_name = "WHERE")]
    to: Option<Bound>,
    /// How many at the most; 0 for all
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
}

/// Show one event whole
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman events get 42\n  dragoman events get --id 7f3a --source /shop"
)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
struct Get {
    /// Its position
    #[arg(group = "which", value_name = "POSITION")]
    position: Option<i64>,
    /// Its id, when the position is not known
    #[arg(long, group = "which")]
    id: Option<String>,
    /// Its source, when several sources have that id
    #[arg(long, requires = "id")]
    source: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Show events as they are sealed, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman events tail --type 'order.*'")]
struct Tail {
    #[command(flatten)]
    filter: Filter,
    /// Begin at this position or time instead of now
    #[arg(long, value_name = "WHERE")]
    from: Option<Bound>,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only this type, or family (order.*); several times for several
    #[arg(long = "type", value_name = "PATTERN")]
    types: Vec<TypePattern>,
    /// Only this subject
    #[arg(long)]
    subject: Option<String>,
    /// Only this source
    #[arg(long)]
    source: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Events {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        match self.command {
            EventsCommand::List(command) => command.run(&hub).await,
            EventsCommand::Get(command) => command.run(&hub).await,
            EventsCommand::Tail(command) => command.run(&hub).await,
        }
    }
}

impl List {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let filter = self.filter.with(self.from, self.to);
        let mut after = Position::ZERO;
        let mut left = if self.limit == 0 {
            usize::MAX
        } else {
            self.limit
        };
        while left > 0 {
            let page = page(hub, &filter, after, left.min(PAGE)).await?;
            after = page.through;
            left = left.saturating_sub(page.events.len());
            page.events
                .iter()
                .try_for_each(|event| show_line(event, self.filter.json))?;
            if page.ended {
                break;
            }
        }
        Ok(())
    }
}

impl Get {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let mut found = match (&self.position, &self.id) {
            (Some(position), _) => {
                let event = hub.store.event_at(Position(*position)).await;
                event.map(Vec::from_iter)
            }
            (None, Some(id)) => hub.store.find_events(self.source.as_deref(), id).await,
            (None, None) => Ok(Vec::new()),
        }
        .map_err(|error| Failure::from_error(&error))?;
        if found.len() > 1 {
            return Err(Failure::usage(
                format!("{} sources have an event of that id", found.len()),
                "say which one you mean: --source SOURCE",
            ));
        }
        let event = found.pop().ok_or_else(|| {
            Failure::usage(
                "there is no such event in the sealed log",
                "`dragoman events list` shows what there is; a stored event is sealed within moments, when a relay runs",
            )
        })?;
        if self.json {
            return output::json(&Shown::of(&event)?);
        }
        show_whole(&event)
    }
}

impl Tail {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let mut after = match self.from {
            Some(_) => Position::ZERO,
            None => hub
                .store
                .head()
                .await
                .map_err(|error| Failure::from_error(&error))?,
        };
        let filter = self.filter.with(self.from, None);
        loop {
            let page = page(hub, &filter, after, PAGE).await?;
            after = page.through;
            page.events
                .iter()
                .try_for_each(|event| show_line(event, self.filter.json))?;
            if page.ended {
                tokio::time::sleep(TAIL_PAUSE).await;
            }
        }
    }
}

impl Filter {
    fn with(&self, from: Option<Bound>, to: Option<Bound>) -> EventFilter {
        EventFilter {
            types: self.types.clone(),
            subject: self.subject.clone(),
            source: self.source.clone(),
            from: from.map(|bound| bound.0),
            to: to.map(|bound| bound.0),
        }
    }
}

async fn page(
    hub: &Hub,
    filter: &EventFilter,
    after: Position,
    limit: usize,
) -> Result<EventPage, Failure> {
    hub.store
        .list_events(filter, after, limit)
        .await
        .map_err(|error| Failure::from_error(&error))
}

/// An event as scripts read it. The data is what came in, digit for digit; only line
/// breaks between its values become blanks, because an event is one line.
#[derive(Serialize)]
struct Shown<'a> {
    position: i64,
    seq: i64,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    time: DateTime<Utc>,
    stored_at: DateTime<Utc>,
    data: Box<RawValue>,
}

impl<'a> Shown<'a> {
    fn of(recorded: &'a RecordedEvent) -> Result<Self, Failure> {
        let event = &recorded.event;
        Ok(Self {
            position: recorded.position.0,
            seq: recorded.seq,
            id: &event.id,
            source: &event.source,
            event_type: &event.event_type,
            subject: &event.subject,
            time: event.time,
            stored_at: recorded.stored_at,
            data: output::as_it_is(&event.data)?,
        })
    }
}

fn show_line(recorded: &RecordedEvent, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&Shown::of(recorded)?);
    }
    let event = &recorded.event;
    output::line(&format!(
        "{:>8}  {}  {}  {}  {} {}",
        recorded.position,
        event.time.format("%Y-%m-%d %H:%M:%S"),
        event.event_type,
        event.subject,
        event.source,
        event.id
    ))
}

fn show_whole(recorded: &RecordedEvent) -> Result<(), Failure> {
    let event = &recorded.event;
    for (name, value) in [
        ("position", recorded.position.to_string()),
        ("type", event.event_type.clone()),
        ("subject", event.subject.clone()),
        ("source", event.source.clone()),
        ("id", event.id.clone()),
        ("time", event.time.to_rfc3339()),
        ("stored", recorded.stored_at.to_rfc3339()),
    ] {
        output::line(&format!("{name:<9} {value}"))?;
    }
    for (name, value) in &event.extensions {
        output::line(&format!("{name:<9} {value}"))?;
    }
    output::line("")?;
    output::line(&event.data)
}
