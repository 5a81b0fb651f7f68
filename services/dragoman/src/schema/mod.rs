//! The JSON Schema of `dragoman.yaml` for editors, and the reference made from it.

mod markdown;

use dragoman_ingest::AdapterOptions;
use dragoman_projector::ProjectionOptions;
use dragoman_settings::Secret;
use dragoman_stream::KafkaOptions;
use indexmap::IndexMap;
use schemars::{JsonSchema, schema_for};

use crate::config::{EventOptions, HttpOptions};

/// The configuration of a Dragoman hub.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "dragoman.yaml")]
#[expect(dead_code, reason = "only its shape is used")]
struct DragomanYaml {
    /// The hub's own database. `dragoman dev` does without: it starts one.
    postgres: Option<Secret>,
    /// The Kafka cluster. Left out: projections follow the log in Postgres.
    kafka: Option<KafkaOptions>,
    /// Where the hub listens.
    http: Option<HttpOptions>,
    /// The catalogue: nothing else can enter the log.
    events: Option<IndexMap<String, EventOptions>>,
    /// How events come in. The account counts by their names.
    adapters: Option<IndexMap<String, AdapterOptions>>,
    /// What follows the log: each keeps a table in line with the events that it names.
    projections: Option<IndexMap<String, ProjectionOptions>>,
}

/// The schema as indented JSON, with a line break at its end.
pub(crate) fn editor_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_for!(DragomanYaml)).unwrap_or_default();
    text.push('\n');
    text
}

/// The reference of the configuration, in Markdown.
pub(crate) fn configuration_page() -> String {
    markdown::reference(schema_for!(DragomanYaml).as_value())
}
