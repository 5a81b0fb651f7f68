//! An ingest from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use dragoman_core::{Backoff, SystemClock};
use dragoman_store::{AdapterCounts, CatalogueError, Door as StoreDoor, Store};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::housekeeping::housekeeping_loop;
use crate::keys::Keys;
use crate::queue::queue;
use crate::refusals::Refusals;
use crate::server::{Door, Limits, serve};
use crate::writer::writer_loop;
use crate::{Adapters, Catalogue, IngestError, IngestOptions};

/// The rests between tries while the database is away.
const AWAY: Backoff = Backoff::new(
    std::time::Duration::from_millis(200),
    std::time::Duration::from_secs(2),
);

/// Takes events in until `stop`; then finishes the requests under way. See [`Ingest`].
///
/// # Errors
/// Whatever halts an ingest: see [`IngestError`] and its [`IngestError::remedy`].
pub async fn run(
    options: IngestOptions,
    store: Store,
    adapters: Adapters,
    catalogue: Catalogue,
    stop: CancellationToken,
) -> Result<(), IngestError> {
    Ingest::bind(options, store, adapters, catalogue)
        .await?
        .serve(stop)
        .await
}

/// An ingest that has its address and does not serve yet.
#[derive(Debug)]
pub struct Ingest {
    options: IngestOptions,
    store: Store,
    adapters: Adapters,
    catalogue: Catalogue,
    listener: TcpListener,
}

impl Ingest {
    /// Takes the address.
    ///
    /// # Errors
    /// Something else has it.
    pub async fn bind(
        options: IngestOptions,
        store: Store,
        adapters: Adapters,
        catalogue: Catalogue,
    ) -> Result<Self, IngestError> {
        let address = options.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| IngestError::Address { address, source })?;
        Ok(Self {
            options,
            store,
            adapters,
            catalogue,
            listener,
        })
    }

    /// The address that it has: the port too, when any was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.options.listen)
    }

    /// Takes events in until `stop`; then finishes the requests under way, within the
    /// grace of the options.
    ///
    /// An answer of success is sent when what it speaks of is committed and flushed.
    /// Postgres away is answered with 503, and passes by itself.
    ///
    /// # Errors
    /// Whatever halts it: see [`IngestError`].
    pub async fn serve(self, stop: CancellationToken) -> Result<(), IngestError> {
        if !self.claim_sources(&stop).await? {
            return Ok(());
        }
        self.name_adapters().await;
        let address = self.address();
        let options = self.options;
        let (queue, taker) = queue(options.queued_requests, options.queued_bytes);
        let taker = Arc::new(Mutex::new(taker));
        let refusals = Arc::new(Refusals::default());
        let catalogue = Arc::new(self.catalogue);
        let door = Arc::new(Door {
            keys: Keys::new(self.store.clone(), options.store_timeout),
            store: self.store.clone(),
            adapters: self.adapters,
            catalogue: Arc::clone(&catalogue),
            queue,
            refusals: Arc::clone(&refusals),
            body_limit: options.body_limit,
            body_timeout: options.body_timeout,
            store_timeout: options.store_timeout,
            clock: SystemClock,
        });
        let mut writers = JoinSet::new();
        for _ in 0..options.writers.max(1) {
            let taker = Arc::clone(&taker);
            writers.spawn(writer_loop(
                self.store.clone(),
                taker,
                options.store_timeout,
            ));
        }
        let mut housekeeping = JoinSet::new();
        housekeeping.spawn(housekeeping_loop(
            self.store.clone(),
            catalogue,
            Arc::clone(&refusals),
            stop.clone(),
        ));
        let limits = Limits {
            connections: options.connections,
            head_timeout: options.head_timeout,
            grace: options.grace,
        };
        tracing::info!(%address, "events in: POST /v1/events, POST /hooks/NAME");
        let mut lost = false;
        tokio::select! {
            () = serve(self.listener, door, limits, stop.clone()) => {}
            Some(_) = writers.join_next() => lost = true,
            Some(_) = ended_early(&mut housekeeping, &stop) => lost = true,
        }
        if lost {
            return Err(IngestError::TaskLost);
        }
        // With the last request its end of the queue is gone; the writers come to the end.
        while let Some(ended) = writers.join_next().await {
            lost |= ended.is_err();
        }
        // It ends by itself: cut off while it writes refusals, it would lose them.
        let ended = tokio::time::timeout(options.grace, housekeeping.join_next()).await;
        lost |= matches!(ended, Ok(Some(Err(_))));
        housekeeping.shutdown().await;
        refusals.flush_step(&self.store).await;
        if lost {
            return Err(IngestError::TaskLost);
        }
        Ok(())
    }

    /// Lets the account name each adapter before anything has come in by it.
    async fn name_adapters(&self) {
        for name in self.adapters.names() {
            if let Err(error) = self.store.count(name, AdapterCounts::default()).await {
                tracing::debug!(error = %chain(&error), "an adapter is named when it counts");
            }
        }
    }

    /// Makes sure that no other door writes the webhooks' sources. False when it was
    /// told to stop meanwhile.
    async fn claim_sources(&self, stop: &CancellationToken) -> Result<bool, IngestError> {
        for webhook in self.adapters.webhooks() {
            let mut failures = 0;
            loop {
                let claimed = self
                    .store
                    .claim_source(&webhook.source, StoreDoor::Webhook, &webhook.name)
                    .await;
                match claimed {
                    Ok(()) => break,
                    Err(CatalogueError::Store(error)) if error.is_unavailable() => {
                        failures += 1;
                        tracing::warn!(error = %chain(&error), "waiting for the database");
                    }
                    Err(source) => {
                        return Err(IngestError::Source {
                            adapter: webhook.name.to_string(),
                            source,
                        });
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(AWAY.wait(failures, 0.5)) => {}
                    () = stop.cancelled() => return Ok(false),
                }
            }
        }
        Ok(true)
    }
}

/// The end of a task that ends only when it is told to; before that, a mistake.
async fn ended_early(tasks: &mut JoinSet<()>, stop: &CancellationToken) -> Option<()> {
    let ended = tasks.join_next().await;
    if stop.is_cancelled() {
        // In order: the rest is about to end too.
        std::future::pending::<()>().await;
    }
    ended.map(|_| ())
}
