//! How one instance of a projection works.

use std::time::Duration;

use dragoman_stream::KafkaOptions;

use crate::{Definition, Order, ReaderMode};

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

    /// Whom a projection is brought its events by.
    pub(crate) const fn mode(&self, definition: &Definition) -> ReaderMode {
        match (definition.order, &self.kafka) {
            (Order::Subject, Some(_)) => ReaderMode::Kafka,
            (Order::Total, _) | (Order::Subject, None) => ReaderMode::Ledger,
        }
    }
}
