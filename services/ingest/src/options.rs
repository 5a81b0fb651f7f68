//! What an ingest is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

/// How one ingest works. Not part of the configuration file: the composition root
/// makes it.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The largest body, in bytes, after decompression.
    pub body_limit: usize,
    /// The most connections at once; the next ones wait to be accepted.
    pub connections: usize,
    /// How long a sender may take for the head of a request, and idle between two.
    pub head_timeout: Duration,
    /// How long a sender may take for a body.
    pub body_timeout: Duration,
    /// How long the database may take for a statement before it counts as away, and
    /// the outcome as unknown.
    pub store_timeout: Duration,
    /// The most requests that may wait for a writer.
    pub queued_requests: usize,
    /// The most bytes of events that may wait for a writer or be under way in one.
    pub queued_bytes: usize,
    /// How many writers there are.
    pub writers: usize,
    /// How long an ingest that stops waits for requests under way.
    pub grace: Duration,
}

impl IngestOptions {
    /// Listening there, for bodies of that size; 1,024 connections, 30 s for a head and
    /// a body, 10 s for a statement, 10,000 requests and 64 MiB queued, two writers,
    /// 10 s to finish.
    #[must_use]
    pub const fn new(listen: SocketAddr, body_limit: usize) -> Self {
        Self {
            listen,
            body_limit,
            connections: 1024,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            store_timeout: Duration::from_secs(10),
            queued_requests: 10_000,
            queued_bytes: 64 << 20,
            writers: 2,
            grace: Duration::from_secs(10),
        }
    }
}
