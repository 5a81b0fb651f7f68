//! The admin address: health, metrics, status. It asks for no credentials and
//! changes nothing.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dragoman_store::Store;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, chain};

/// How often the exporter tidies its histograms; without that they grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// What the handlers need.
#[derive(Clone)]
struct Shared {
    store: Store,
    metrics: PrometheusHandle,
}

/// A server that has its address and does not serve yet.
pub(crate) struct Admin {
    listener: TcpListener,
    shared: Shared,
}

impl Admin {
    /// Takes the address.
    ///
    /// # Errors
    /// When something else has it.
    pub(crate) async fn bind(
        address: SocketAddr,
        store: Store,
        metrics: PrometheusHandle,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::failed(
                format!("the admin address {address} cannot be had: {error}"),
                "stop what listens there, or give another: `http.admin` in the configuration, or --admin",
            )
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "admin: /livez, /readyz, /metrics, /v1/status");
        }
        Ok(Self {
            listener,
            shared: Shared { store, metrics },
        })
    }

    /// Serves until it is told to stop. Metrics of the account are refreshed meanwhile.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let upkeep = keep_up(self.shared.clone(), stop.clone());
        let router = Router::new()
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(readiness))
            .route("/metrics", get(render_metrics))
            .with_state(self.shared);
        let server =
            axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned());
        let (served, ()) = tokio::join!(server.into_future(), upkeep);
        if let Err(error) = served {
            tracing::warn!(%error, "the admin server ended");
        }
    }
}

async fn keep_up(shared: Shared, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(UPKEEP) => {}
        }
        shared.metrics.run_upkeep();
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
