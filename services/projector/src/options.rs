//! `projections:` as the configuration has it.

use dragoman_settings::{Secret, Text};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// A projection: which events, where to, and how each becomes rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionOptions {
    /// The event types that it follows.
    pub events: Vec<Text>,
    /// Where a new projection begins: `beginning`, `now` or a position. Default: `beginning`.
    #[serde(default)]
    pub from: Option<String>,
    /// `total`: follow the log itself, in one line, instead of Kafka's partitions.
    #[serde(default)]
    pub order: Option<String>,
    /// Where the rows go.
    pub sink: SinkOptions,
    /// One row for each element of what this program yields, seen as `.item`.
    #[serde(default)]
    pub each: Option<String>,
    /// The columns that say which row an event belongs to.
    pub key: IndexMap<String, KeyOptions>,
    /// The other columns.
    pub columns: IndexMap<String, ColumnOptions>,
}

/// A column of the key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyOptions {
    /// Its type in the database.
    #[serde(rename = "type")]
    pub column_type: String,
    /// The program that yields it.
    pub from: String,
}

/// A column that operators keep: exactly one of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnOptions {
    /// Its type in the database.
    #[serde(rename = "type")]
    pub column_type: String,
    /// Added to what is there.
    #[serde(default)]
    pub add: Option<String>,
    /// Kept when smaller.
    #[serde(default)]
    pub min: Option<String>,
    /// Kept when larger.
    #[serde(default)]
    pub max: Option<String>,
    /// The last one stays.
    #[serde(default)]
    pub set: Option<String>,
    /// The first one stays.
    #[serde(default)]
    pub first: Option<String>,
}

/// Where a projection writes, by its kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SinkOptions {
    /// A table in Postgres.
    Postgres(PostgresSinkOptions),
}

/// A table in Postgres.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresSinkOptions {
    /// The database. Left out: the hub's own.
    #[serde(default)]
    pub url: Option<Secret>,
    /// The table, with or without its schema; created when it is missing.
    pub table: Text,
}
