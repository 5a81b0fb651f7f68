//! Events in: adapters authenticate, check, translate and append.
//!
//! ```text
//!   HTTP ──► server ──► api: key, CloudEvent ──────────┐
//!                  └──► hooks: signature, mapping ─────┤
//!                          │ wrong after the signature │ catalogue, schema, size
//!                          ▼                           ▼
//!                      quarantine                    queue ──► writers ──► log
//! ```
//!
//! An answer of success means: committed and flushed. Concurrent requests share
//! commits: a writer takes what has queued and writes one statement, without a timer.
//! Everything is bounded; what finds no room is answered with 503 and `Retry-After`.
//!
//! A new kind of adapter is a file under `adapters/` and a line in its registry, a new
//! way to verify a delivery the same under `verify/`.

mod adapters;
mod catalogue;
mod cloud_events;
mod credentials;
mod decode;
mod delivery;
mod error;
mod housekeeping;
mod keys;
mod limits;
mod options;
mod percent;
mod problem;
mod quarantine;
mod queue;
mod refusals;
mod retry;
mod run;
mod samples;
mod server;
mod telemetry;
mod translate;
mod verify;
mod writer;

pub use adapters::{
    AdapterKind, AdapterOptions, AdapterProblem, Adapters, ApiOptions, FilePlace, WebhookOptions,
};
pub use catalogue::{Catalogue, Schemas};
pub use decode::Decode;
pub use error::IngestError;
pub use options::IngestOptions;
pub use problem::problems_page;
pub use retry::{Prospect, RetryOutcome, preview, retry};
pub use run::{Ingest, run};
pub use samples::Sample;
pub use telemetry::describe_metrics;
pub use verify::{
    ApiKeyOptions, BasicOptions, Encoding, GithubOptions, HmacAlgorithm, HmacOptions,
    ShopifyOptions, SlackOptions, StandardWebhooksOptions, StripeOptions, VerifyOptions,
};
