//! Bringing a projection its events, rebuilding it, and adding up its account.

use std::sync::Arc;
use std::time::Duration;

use dragoman_core::Position;
use dragoman_store::{Store, Tail};
use dragoman_stream::KafkaOptions;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{Definition, Target};

/// How one instance of a projection works. Not part of the configuration file: the
/// composition root makes it.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Who this process is: the holder of the lease of a ledger follower.
    pub instance: String,
    /// The cluster to read from; `None`: follow the ledger. With `order: total` the
    /// ledger is followed in any case.
    pub kafka: Option<KafkaOptions>,
    /// The most events in one transaction of the target.
    pub batch_limit: usize,
    /// How long a ledger follower's lease lasts without being renewed.
    pub lease_ttl: Duration,
}

impl RunnerOptions {
    /// An instance of that name with batches of 1,000 and a lease of 10 s.
    #[must_use]
    pub fn new(instance: impl Into<String>, kafka: Option<KafkaOptions>) -> Self {
        Self {
            instance: instance.into(),
            kafka,
            batch_limit: 1_000,
            lease_ttl: Duration::from_secs(10),
        }
    }
}

/// A projection halted. What passes by itself (a database or Kafka away) is waited out
/// and never gets here; everything here needs a person.
#[derive(Debug, Error)]
pub enum ProjectorError {
    /// Placeholder until the runner stands.
    #[error("the projection {projection} cannot run")]
    Unready {
        /// The projection.
        projection: String,
    },
}

impl ProjectorError {
    /// A stable word for it, as `status` shows it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unready { .. } => "unready",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        String::new()
    }
}

/// Brings a projection its events until `stop`. Several instances share the partitions
/// of the topics; of ledger followers one works and the others stand by.
///
/// # Errors
/// Whatever halts a projection.
pub async fn run(
    options: RunnerOptions,
    definition: Arc<Definition>,
    store: Store,
    target: Target,
    stop: CancellationToken,
) -> Result<(), ProjectorError> {
    let _ = (options, definition, store, target, stop);
    todo!()
}

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Everything at or below is built.
    pub position: Position,
    /// Where the ledger ended when last looked at.
    pub head: Position,
}

/// What a rebuild came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOutcome {
    /// The number of the new generation.
    pub generation: i32,
    /// Everything at or below was built when the tables were swapped.
    pub position: Position,
    /// Events that took effect.
    pub applied: i64,
    /// Events that are parked in the new generation.
    pub parked: i64,
}

/// Builds the table of a projection again beside the live one, from the first event by
/// the ledger, catches up, and swaps the two in one transaction, while the live one
/// goes on. Interrupted, it leaves the live one as it is; the next one begins afresh.
///
/// # Errors
/// When another rebuild of it runs, or as [`run`].
pub async fn rebuild(
    definition: &Definition,
    store: &Store,
    target: &Target,
    instance: &str,
    progress: &(dyn Fn(RebuildProgress) + Send + Sync),
) -> Result<RebuildOutcome, ProjectorError> {
    let _ = (definition, store, target, instance, progress);
    todo!()
}

/// The account of a projection: what the log holds for it beside what became of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectionAccount {
    /// The highest position such that every event of the projection at or below it is
    /// applied, parked or skipped; the head of the ledger when nothing is pending.
    pub position: Position,
    /// Sealed events of the projection that are not applied, parked or skipped yet.
    pub lag: i64,
    /// Events of the projection that its checkpoints have passed, counted in the log.
    pub due: i64,
    /// Events that took effect, counted in the owner records.
    pub applied: i64,
    /// Subjects parked.
    pub parked_subjects: i64,
    /// Events parked.
    pub parked_events: i64,
    /// Events that an operator skipped.
    pub skipped: i64,
}

impl ProjectionAccount {
    /// How many events are not where they should be: `due` against applied + parked +
    /// skipped.
    #[must_use]
    pub const fn unbalanced(&self) -> i64 {
        (self.due - self.applied - self.parked_events - self.skipped).abs()
    }
}

/// Adds up the account of a projection. Reads the whole log.
///
/// # Errors
/// When one of the databases does not answer.
pub async fn account(
    definition: &Definition,
    store: &Store,
    target: &Target,
) -> Result<ProjectionAccount, ProjectorError> {
    let _ = (definition, store, target);
    todo!()
}

/// The last events of a projection's checkpoints, for the relay's comparison of
/// lineages; none when the target does not answer.
pub async fn known_tails(target: &Target, projection: &str) -> Vec<Tail> {
    let _ = (target, projection);
    todo!()
}

/// Names and units of the projector's metrics, for whoever exports them.
pub fn describe_metrics() {}
