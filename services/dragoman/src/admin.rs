//! The admin address: health, metrics, status. It asks for no credentials and
//! changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dragoman_store::Store;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, chain};
use crate::status::StatusReader;
use crate::telemetry;

/// How often the exporter tidies its histograms; without that they grow.
const UPKEEP: Duration = Duration::from_secs(5);
/// The account counts the whole log: after it was read for the gauges it rests this
/// many times as long as that took.
const ACCOUNT_REST: u32 = 20;

/// What the handlers need.
#[derive(Clone)]
struct Shared {
    store: Store,
    metrics: PrometheusHandle,
    status: Arc<StatusReader>,
}

/// The admin server of this process, when it has one.
pub(crate) struct Admin {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Admin {
    /// Takes the address and serves; without one nothing is served.
    ///
    /// # Errors
    /// When something else has the address.
    pub(crate) async fn start(
        address: Option<SocketAddr>,
        store: &Store,
        status: StatusReader,
    ) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let Some(address) = address else {
            return Ok(Self { stop, task: None });
        };
        let metrics = telemetry::start_metrics()?;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::failed(
                format!("the admin address {address} cannot be had: {error}"),
                "stop what listens there, or give another: `http.admin` in the configuration, or --admin",
            )
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "admin: /livez, /readyz, /metrics, /v1/status");
        }
        let shared = Shared {
            store: store.clone(),
            metrics,
            status: Arc::new(status),
        };
        let task = tokio::spawn(serve(listener, shared, stop.clone()));
        Ok(Self {
            stop,
            task: Some(task),
        })
    }

    /// Stops it. Call it after the services have ended, so that their end can be watched.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Some(task) = self.task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the admin server ended badly");
        }
    }
}

async fn serve(listener: TcpListener, shared: Shared, stop: CancellationToken) {
    let upkeep = keep_up(shared.clone(), stop.clone());
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readiness))
        .route("/metrics", get(render_metrics))
        .route("/v1/status", get(status))
        .with_state(shared);
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    let (served, ()) = tokio::join!(server.into_future(), upkeep);
    if let Err(error) = served {
        tracing::warn!(%error, "the admin server ended");
    }
}

async fn keep_up(shared: Shared, stop: CancellationToken) {
    let mut next_account = Instant::now();
    loop {
        shared.metrics.run_upkeep();
        if Instant::now() >= next_account {
            let begun = Instant::now();
            shared.status.refresh_gauges().await;
            next_account = Instant::now() + begun.elapsed() * ACCOUNT_REST;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(UPKEEP) => {}
        }
    }
}

/// Ready: the database answers, and its schema is this program's.
async fn readiness(State(shared): State<Shared>) -> Response {
    match shared.store.check_schema().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", chain(&error)),
        )
            .into_response(),
    }
}

async fn render_metrics(State(shared): State<Shared>) -> Response {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        shared.metrics.render(),
    )
        .into_response()
}

async fn status(State(shared): State<Shared>) -> Response {
    match shared.status.read().await {
        Ok(status) => axum::Json(status).into_response(),
        Err(failure) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", failure.message()),
        )
            .into_response(),
    }
}
