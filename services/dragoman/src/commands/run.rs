//! `dragoman run`: one service in a process of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::lifecycle::{OnHalt, Signals, supervise};
use crate::projections::Projections;
use crate::status::StatusReader;
use crate::{checks, clock_watch, services};

/// Sessions with the database of each projection, at the most.
const SESSIONS: u32 = 8;

/// Run one service in a process of its own
///
/// It refuses a database whose schema is not this program's: run `dragoman migrate`
/// before. When it halts it exits with 1, and `dragoman status` shows why.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman run ingest\n  dragoman run relay --admin 127.0.0.1:8082\n  dragoman run projection sales"
)]
pub(crate) struct Run {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    Ingest(Ingest),
    Relay(Relay),
    Projection(Projection),
}

/// Take events in by the adapters: the CloudEvents API and webhooks
///
/// Several may run beside each other, behind a load balancer. Health and metrics are
/// served at `http.admin`, unless --admin says otherwise.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman run ingest\n  dragoman run ingest --admin 127.0.0.1:8081"
)]
struct Ingest {
    #[command(flatten)]
    admin: AdminAddress,
}

/// Seal the log and publish it to Kafka; a second one stands by
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman run relay --admin 127.0.0.1:8082")]
struct Relay {
    #[command(flatten)]
    admin: AdminAddress,
}

/// Keep one projection level with the log; several share its work or stand by
///
/// It creates its table when that is missing. It refuses a table that was built by
/// another definition: see `dragoman rebuild --help`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman run projection sales\n  dragoman run projection sales --admin 127.0.0.1:8083"
)]
struct Projection {
    /// Its name under `projections:`
    name: String,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
struct AdminAddress {
    /// Where to serve health and metrics of this process
    #[arg(long = "admin", value_name = "ADDRESS")]
    address: Option<SocketAddr>,
}

impl Run {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let Some(hub) = Hub::open_patiently(globals, &mut signals).await? else {
            return Ok(());
        };
        let findings = checks::check(&hub.config);
        if !findings.problems.is_empty() {
            return Err(Failure::Configuration(findings.problems));
        }
        let projections =
            Projections::connect(&hub.config, &findings.definitions, &hub.url, SESSIONS)?;
        let schemas = Arc::new(findings.schemas);
        if hub.config.kafka.is_some() && !matches!(self.service, Service::Ingest(_)) {
            clock_watch::watch()?;
        }
        let stop = CancellationToken::new();
        let (part, address) = match self.service {
            Service::Ingest(options) => {
                if findings.adapters.is_empty() {
                    return Err(Failure::usage(
                        format!("there are no adapters in {}", hub.config.file().display()),
                        "add one under `adapters:`, as in `api: { kind: api }`",
                    ));
                }
                if hub.synchronise_patiently(&mut signals).await?.is_none() {
                    return Ok(());
                }
                let store = hub.store.clone();
                let adapters = findings.adapters;
                let part = services::ingest(&hub.config, store, adapters, schemas, stop.clone());
                (
                    part,
                    options.admin.address.or(Some(hub.config.http.admin.0)),
                )
            }
            Service::Relay(options) => {
                if hub.synchronise_patiently(&mut signals).await?.is_none() {
                    return Ok(());
                }
                let part = services::relay(
                    &hub.config,
                    hub.store.clone(),
                    schemas,
                    &projections,
                    stop.clone(),
                );
                (part, options.admin.address)
            }
            Service::Projection(options) => {
                let projection = projections.get(&hub.config, &options.name)?;
                let part =
                    services::projection(&hub.config, hub.store.clone(), projection, stop.clone());
                (part, options.admin.address)
            }
        };
        let status = StatusReader::new(hub.store.clone(), projections);
        let admin = Admin::start(address, &hub.store, status).await?;
        let result = supervise(&hub.store, vec![part], &mut signals, &stop, OnHalt::End).await;
        admin.stop().await;
        result
    }
}
