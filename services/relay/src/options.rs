//! What a relay is told when it starts.

use std::time::Duration;

use dragoman_stream::KafkaOptions;

/// How one relay works. Not part of the configuration file: the composition root
/// makes it.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Who this process is: the holder of the lease and the sealer of batches.
    pub instance: String,
    /// How long the lease lasts without being renewed: the longest time that a dead
    /// relay keeps a standby waiting. Renewed at a third of it.
    pub lease_ttl: Duration,
    /// The most events in one batch of the ledger.
    pub batch_limit: usize,
    /// The most events that Kafka has not acknowledged yet: what bounds memory
    /// while Kafka is away. Sealing goes on meanwhile.
    pub in_flight_limit: usize,
    /// How often it is written down how far Kafka holds what was sealed.
    pub mark_interval: Duration,
    /// How long a stopping relay waits for what Kafka has not acknowledged.
    pub drain_timeout: Duration,
    /// The cluster to publish to; `None`: seal only.
    pub kafka: Option<KafkaOptions>,
}

impl RelayOptions {
    /// A relay of that name with a lease of 10 s, batches of 2,000, 6,000 events in
    /// flight, marks each second, and 5 s to drain.
    #[must_use]
    pub fn new(instance: impl Into<String>, kafka: Option<KafkaOptions>) -> Self {
        Self {
            instance: instance.into(),
            lease_ttl: Duration::from_secs(10),
            batch_limit: 2_000,
            in_flight_limit: 6_000,
            mark_interval: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(5),
            kafka,
        }
    }
}
