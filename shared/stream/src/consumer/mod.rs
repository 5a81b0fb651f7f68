//! Reading topics as a member of a group.
//!
//! Kafka's group does one thing here: it says who reads which partition. Where to
//! read from is known to whoever keeps the effect (the owner record), and is asked
//! at every assignment; no offset is ever committed to Kafka.
//!
//! ```text
//!   librdkafka ──► poll thread ──► what the group decided ──► Consumer::next()
//!       │            ▲   ▲                                        │
//!       │            │   └── Assignment::start(offsets) ◄─────────┤
//!       │            └────── Revocation::done() ◄─────────────────┘
//!       └──► a queue for each partition ──► PartitionReader::take()
//! ```
//!
//! The thread goes on polling while the owner is slow, so that the group neither drops it
//! nor waits for it. Memory is bounded for each partition by what the client queues of it:
//! 8,000 records or 4 MB of payload, whichever is less, and what one answer of Kafka brings
//! beyond (1 MiB as it travels, compressed). A partition that is taken away keeps what is
//! queued of it until it comes back or the client ends.

mod context;
mod event;
mod poll;
mod reader;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use event::{Assignment, Claim, ConsumerEvent, Revocation, StartFrom};
pub use reader::{Found, PartitionReader};

use crate::{KafkaOptions, StreamError};

/// How many decisions of the group may wait to be taken by [`Consumer::next`].
const WAITING: usize = 4;

/// Which topics to read, and as whom.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// The consumer group: one per projection and generation.
    pub group: String,
    /// The topics. One that does not exist yet is read once it does.
    pub topics: Vec<String>,
    /// How long to wait for [`Revocation::done`] before partitions are let go
    /// without it. Compare-and-set on the owner record then protects the effect.
    pub patience: Duration,
}

impl ConsumerOptions {
    /// A group and its topics, with 20 seconds of patience.
    #[must_use]
    pub fn new(group: impl Into<String>, topics: Vec<String>) -> Self {
        Self {
            group: group.into(),
            topics,
            patience: Duration::from_secs(20),
        }
    }
}

/// A member of a consumer group.
#[derive(Debug)]
pub struct Consumer {
    events: mpsc::Receiver<Result<ConsumerEvent, StreamError>>,
    closing: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Consumer {
    /// Joins the group. Must be called within a tokio runtime. Brokers that do not
    /// answer are no error: the client keeps trying.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn join(kafka: &KafkaOptions, options: ConsumerOptions) -> Result<Self, StreamError> {
        let (sender, events) = mpsc::channel(WAITING);
        let closing = CancellationToken::new();
        let thread = poll::start(kafka, options, sender, closing.clone())?;
        Ok(Self {
            events,
            closing,
            thread: Some(thread),
        })
    }

    /// The next thing that happened. Cancel safe.
    ///
    /// # Errors
    /// When the client gave up for good; nothing follows. What passes by itself is
    /// logged and waited out.
    pub async fn next(&mut self) -> Result<ConsumerEvent, StreamError> {
        match self.events.recv().await {
            Some(event) => event,
            None => Err(StreamError::ThreadLost),
        }
    }

    /// Leaves the group, so that others take the partitions over at once. Stop the
    /// work on them first, and drop their readers, for which this waits: no revocation is
    /// reported any more.
    pub async fn close(mut self) {
        self.closing.cancel();
        self.events.close();
        // An assignment that nobody took holds readers.
        while self.events.recv().await.is_some() {}
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::warn!("the consumer's thread did not end in an orderly way");
            }
        }
    }
}

/// Lets the thread leave the group on its own time.
impl Drop for Consumer {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}
