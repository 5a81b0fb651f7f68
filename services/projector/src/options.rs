//! `projections:` as the configuration has it.

use dragoman_settings::{Secret, Text};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{ColumnType, Start};

/// A projection: which events, where to, and how each becomes rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionOptions {
    /// The event types that it follows, each of them in `events:`.
    pub events: Vec<Text>,
    /// Where a new projection begins: `beginning`, `now`, or the position of an event.
    /// It counts only until the projection has begun.
    #[serde(default)]
    pub from: Start,
    /// `total`: follow the log itself, in one line, with or without Kafka. Needed by
    /// `set` and `first` in rows that several subjects or topics share. A failing
    /// event then stops the projection.
    #[serde(default)]
    pub order: Option<OrderOptions>,
    /// Where the rows go.
    pub sink: SinkOptions,
    /// A program that yields an array: one row for each element, seen as `.item`.
    /// Left out: one row for each event. Missing or null: no rows.
    #[serde(default)]
    pub each: Option<String>,
    /// The columns that say which row an event belongs to, by name: the primary key
    /// of the table.
    pub key: IndexMap<String, KeyOptions>,
    /// The other columns, by name, each with its type and exactly one operator.
    pub columns: IndexMap<String, ColumnOptions>,
}

/// An order that a projection asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderOptions {
    /// By position, in one line.
    Total,
}

/// A column of the key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyOptions {
    /// Its type in the database; `numeric` may say its digits, as in `numeric(14,2)`.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// The program that yields it. An event for which it is null is parked.
    pub from: String,
}

/// A column that an operator keeps. Null leaves the column as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnOptions {
    /// Its type in the database; `numeric` may say its digits, as in `numeric(14,2)`:
    /// each value is rounded to them.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// A program; its value is added to what the row holds. For whole numbers and
    /// `numeric`.
    #[serde(default)]
    pub add: Option<String>,
    /// A program; the smallest value stays. For numbers, times and text (by its bytes).
    #[serde(default)]
    pub min: Option<String>,
    /// A program; the largest value stays. For numbers, times and text (by its bytes).
    #[serde(default)]
    pub max: Option<String>,
    /// A program; the last value stays.
    #[serde(default)]
    pub set: Option<String>,
    /// A program; the first value stays.
    #[serde(default)]
    pub first: Option<String>,
}

/// Where a projection writes, by its kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "kind")]
pub enum SinkOptions {
    /// A table in Postgres.
    Postgres(PostgresSinkOptions),
}

/// A table in Postgres. Effect, parking and checkpoint are one transaction there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct PostgresSinkOptions {
    /// The database, as in `postgres://user:password@host/database`. Left out: the
    /// hub's own.
    #[serde(default)]
    pub url: Option<Secret>,
    /// The table, `name` or `schema.name`; created when it is missing.
    pub table: Text,
}
