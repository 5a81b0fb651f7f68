//! Reading topics as a member of a group.
//!
//! Kafka's group does one thing here: it says who reads which partition. Where to
//! read from is known to whoever keeps the effect (the owner record), and is asked
//! at every assignment; no offset is ever committed to Kafka.
//!
//! ```text
//!   librdkafka ──► poll thread ──► bounded channel ──► Consumer::next()
//!                    ▲   ▲                                 │
//!                    │   └── Assignment::start(offsets) ◄──┤
//!                    └────── Revocation::done() ◄──────────┘
//! ```
//!
//! The thread goes on polling while the owner is slow, with its partitions paused,
//! so that the group neither drops it nor waits for it; memory is bounded by the
//! channel and by librdkafka's own queue.

mod context;
mod event;
mod intake;
mod lanes;
mod poll;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use event::{Assignment, Claim, ConsumerEvent, Revocation, StartFrom};

use crate::{KafkaOptions, StreamError};

/// Which topics to read, as whom, and how much at once.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// The consumer group: one per projection and generation.
    pub group: String,
    /// The topics. One that does not exist yet is read once it does.
    pub topics: Vec<String>,
    /// The most records in one [`ConsumerEvent::Records`].
    pub batch: usize,
    /// How many events may wait to be taken by [`Consumer::next`].
    pub waiting: usize,
    /// How long to wait for [`Revocation::done`] before partitions are let go
    /// without it. Compare-and-set on the owner record then protects the effect.
    pub patience: Duration,
}

impl ConsumerOptions {
    /// A group and its topics, with batches of 500, four of them waiting, and 20
    /// seconds of patience.
    #[must_use]
    pub fn new(group: impl Into<String>, topics: Vec<String>) -> Self {
        Self {
            group: group.into(),
            topics,
            batch: 500,
            waiting: 4,
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
        let (sender, events) = mpsc::channel(options.waiting.max(1));
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
    /// work on them first: no revocation is reported any more.
    pub async fn close(mut self) {
        self.closing.cancel();
        self.events.close();
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
