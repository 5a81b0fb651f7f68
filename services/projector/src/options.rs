//! `projections:` as the configuration has it.

use dragoman_outbound::{AuthOptions, Rate};
use dragoman_settings::{FilePath, Period, Secret, Text};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{ColumnOptions, KeyOptions, Start};

/// A projection: which events, where to, and how each becomes rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionOptions {
    /// The event types that it follows, each of them in `events:`.
    pub events: Vec<Text>,
    /// Where a new projection begins: `beginning`, `now`, or the position of an event.
    /// It counts only until the projection has begun. Left out: `beginning`; a sink whose
    /// effects are outside of a database must say it.
    #[serde(default)]
    pub from: Option<Start>,
    /// `total`: follow the log itself, in one line, with or without Kafka. Needed by
    /// `set`, `first` and folds in rows that several subjects or topics share. A failing
    /// event then stops the projection.
    #[serde(default)]
    pub order: Option<OrderOptions>,
    /// What its events do, and where.
    pub sink: SinkOptions,
    /// A program that yields an array: one row for each element, seen as `.item`.
    /// Left out: one row for each event. Missing or null: no rows.
    #[serde(default)]
    pub each: Option<String>,
    /// The columns that say which row an event belongs to, by name: the primary key
    /// of the table.
    #[serde(default)]
    pub key: IndexMap<String, KeyOptions>,
    /// The other columns, by name, each with its type and exactly one operator; or,
    /// where there is a `fold`, each with its type alone.
    #[serde(default)]
    pub columns: IndexMap<String, ColumnOptions>,
    /// The program (VRL) that makes of a row, `.row`, and an event what the row becomes; with
    /// `each`, of a row and each element, `.item`. `.row` is null at first, and null at the
    /// end deletes the row.
    #[serde(default)]
    pub fold: Option<FilePath>,
    /// For `kind: postgres` without a table of its own: the statement for each event
    /// type, with parameters as in `select shop.reserve(:subject, :data)`. There are :id,
    /// :source, :type, :subject, :time, :data (jsonb), :position and :extensions (jsonb).
    #[serde(default)]
    pub execute: IndexMap<String, String>,
    /// For `kind: http`: the program (VRL) that makes a request of an event,
    /// `{ method, path, headers, body }`, or null when there is nothing to send.
    #[serde(default)]
    pub request: Option<FilePath>,
}

/// An order that a projection asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderOptions {
    /// By position, in one line.
    Total,
}

/// Where a projection writes, by its kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "kind")]
pub enum SinkOptions {
    /// A table in Postgres, or statements there.
    Postgres(PostgresSinkOptions),
    /// Requests to a receiver, one for each event.
    Http(Box<HttpSinkOptions>),
}

impl SinkOptions {
    /// The URL of the database of its own, where effects or what is kept about them stand;
    /// `None`: the hub's.
    #[must_use]
    pub const fn database(&self) -> Option<&Secret> {
        match self {
            Self::Postgres(postgres) => postgres.url.as_ref(),
            Self::Http(_) => None,
        }
    }
}

/// Requests to a receiver, in order within a subject. Each carries an `Idempotency-Key`
/// that is the same at every attempt.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct HttpSinkOptions {
    /// Where requests go: `https://host/path`, before the `path` of each.
    pub url: Secret,
    /// How the hub says who it is. Left out: not at all.
    #[serde(default)]
    pub auth: AuthOptions,
    /// The most requests at once, in one process. Left out: 16.
    #[serde(default)]
    pub concurrency: Option<u16>,
    /// The most requests in a time, in one process: `100/s`, `600/m`, `3600/h`. Left out:
    /// no limit.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// How long one request may take, with its answer. Left out: 10s.
    #[serde(default)]
    pub timeout: Option<Period>,
    /// A condition (VRL) over `.status`, `.headers` and `.body` of an answer: it is done.
    /// Left out: `.status < 300`. An answer below 300 that fails it is rejected.
    #[serde(default)]
    pub success: Option<String>,
    /// When a request is made again.
    #[serde(default)]
    pub retry: RetryOptions,
    /// Lets it call addresses that are not public.
    #[serde(default)]
    pub private_network: bool,
}

/// When a request is made again that got no answer, 408, 425, 429 or 5xx.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RetryOptions {
    /// How long is waited after the first failure; each one doubles it. Left out: 200ms.
    #[serde(default)]
    pub first: Option<Period>,
    /// The longest wait. Left out: 5m.
    #[serde(default)]
    pub max: Option<Period>,
    /// For how long one event is tried before it waits for an operator. Left out: 72h.
    #[serde(default, rename = "for")]
    pub patience: Option<Period>,
    /// A condition (VRL) over `.status`, `.headers` and `.body` of an answer that is not
    /// success: tried again, whatever its status.
    #[serde(default)]
    pub on: Option<String>,
}

/// A table in Postgres, or statements there. Effect, parking and checkpoint are one
/// transaction.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct PostgresSinkOptions {
    /// The database, as in `postgres://user:password@host/database`. Left out: the
    /// hub's own.
    #[serde(default)]
    pub url: Option<Secret>,
    /// The table, `name` or `schema.name`; created when it is missing. Left out: the
    /// projection has none, and `execute` says what its events do.
    #[serde(default)]
    pub table: Option<Text>,
}
