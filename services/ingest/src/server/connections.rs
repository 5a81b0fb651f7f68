//! Connections: how many, how long for a head, and how they end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dragoman_core::Clock;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Door, route};
use crate::limits::HEADERS;
use crate::telemetry;

/// A rest after the system could not give a connection (too many open files).
const REST: Duration = Duration::from_millis(100);

/// What bounds connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) grace: Duration,
}

/// Serves until told to stop; then finishes the requests under way, for as long as the
/// grace lasts.
pub(crate) async fn serve<C: Clock + 'static>(
    listener: TcpListener,
    door: Arc<Door<C>>,
    limits: Limits,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(Some(accepted)) => accepted,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let door = Arc::clone(&door);
        let service = service_fn(move |request: Request<Incoming>| {
            let door = Arc::clone(&door);
            async move { Ok::<_, Infallible>(route::route(&door, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            telemetry::connections(1.0);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            telemetry::connections(-1.0);
            drop(permit);
        });
    }
    // Whoever comes now is refused by the system and goes elsewhere.
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests under way took too long; their senders send them again");
    }
    connections.shutdown().await;
}

type Accepted = (TcpStream, tokio::sync::OwnedSemaphorePermit);

/// The next connection, once there is room for it; `None` never comes.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<Option<Accepted>> {
    let Ok(permit) = Arc::clone(room).acquire_owned().await else {
        return Ok(None);
    };
    let (stream, _) = listener.accept().await?;
    // Answers are small: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection may be slow");
    }
    Ok(Some((stream, permit)))
}
