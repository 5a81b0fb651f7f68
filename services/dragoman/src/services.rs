//! The services as parts of a process: what the composition root knows of each.

use std::sync::Arc;

use dragoman_core::Event;
use dragoman_ingest::{Adapters, Catalogue, IngestError, IngestOptions};
use dragoman_projector::{ProjectorError, RunnerOptions};
use dragoman_relay::{RelayError, RelayOptions, SchemaCheck};
use dragoman_store::Store;
use dragoman_translate::{Document, Schema};
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::checks::Schemas;
use crate::config::Config;
use crate::failure::chain;
use crate::lifecycle::{HaltReason, Part};
use crate::projections::{Projection, Projections};

/// The way in.
pub(crate) fn ingest(
    config: &Config,
    store: Store,
    adapters: Adapters,
    schemas: Arc<Schemas>,
    stop: CancellationToken,
) -> Part {
    let http = &config.http;
    let options = IngestOptions::new(http.listen.0, http.body_limit.as_usize());
    let catalogue = catalogue(config, schemas);
    let work = async move {
        dragoman_ingest::run(options, store, adapters, catalogue, stop)
            .await
            .map_err(|error| halted_ingest(&error))
    };
    Part {
        name: "ingest".to_owned(),
        work: work.boxed(),
        keeps_word: false,
    }
}

fn halted_ingest(error: &IngestError) -> HaltReason {
    HaltReason {
        code: error.code().to_owned(),
        message: chain(error),
        remedy: error.remedy(),
    }
}

/// The catalogue as the way in needs it.
pub(crate) fn catalogue(config: &Config, schemas: Arc<Schemas>) -> Catalogue {
    let topics = config
        .events
        .iter()
        .map(|(event_type, options)| (event_type.clone(), options.topic_of(event_type)))
        .collect();
    Catalogue::new(schemas, topics)
}

/// The relay.
pub(crate) fn relay(
    config: &Config,
    store: Store,
    schemas: Arc<Schemas>,
    projections: &Projections,
    stop: CancellationToken,
) -> Part {
    let options = RelayOptions::new(instance(), config.kafka.clone());
    let tails = projections.known_tails();
    let work = async move {
        dragoman_relay::run(options, store, schema_check(schemas), tails, stop)
            .await
            .map_err(halted_relay)
    };
    Part {
        name: dragoman_relay::LEASE.to_owned(),
        work: work.boxed(),
        keeps_word: true,
    }
}

fn halted_relay(error: RelayError) -> HaltReason {
    HaltReason {
        code: error.code().to_owned(),
        message: chain(&error),
        remedy: error.remedy(),
    }
}

/// A projection.
pub(crate) fn projection(
    config: &Config,
    store: Store,
    projection: &Projection,
    stop: CancellationToken,
) -> Part {
    let options = RunnerOptions::new(instance(), config.kafka.clone());
    let Projection { definition, target } = projection.clone();
    let name = format!("projection {}", definition.name);
    let work = async move {
        dragoman_projector::run(options, definition, store, target, stop)
            .await
            .map_err(|error| halted_projection(&error))
    };
    Part {
        name,
        work: work.boxed(),
        keeps_word: true,
    }
}

fn halted_projection(error: &ProjectorError) -> HaltReason {
    HaltReason {
        code: error.code().to_owned(),
        message: chain(error),
        remedy: error.remedy(),
    }
}

/// Who this process is among those of its kind: for leases and for people.
pub(crate) fn instance() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}

/// Compares events that came by SQL with the schema of their type.
fn schema_check(schemas: Arc<Schemas>) -> SchemaCheck {
    Arc::new(move |event: &Event| {
        let Some(Some(schema)) = schemas.get(&event.event_type) else {
            return Ok(());
        };
        let document = Document::parse(event.data.as_bytes()).map_err(|error| chain(&error))?;
        violations(schema, &document)
    })
}

fn violations(schema: &Schema, document: &Document<'_>) -> Result<(), String> {
    schema.validate(document.root()).map_err(|violations| {
        let all: Vec<String> = violations
            .iter()
            .map(|violation| format!("{}: {}", violation.pointer, violation.message))
            .collect();
        all.join("; ")
    })
}
