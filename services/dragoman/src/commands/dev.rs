//! `dragoman dev`.

use std::sync::Arc;

use clap::Args;
use dragoman_store::Store;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::checks::Findings;
use crate::config::Config;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::{catalogue_of, connect};
use crate::lifecycle::{OnHalt, Signals, supervise};
use crate::private_postgres::{Folder, Server};
use crate::projections::Projections;
use crate::status::StatusReader;
use crate::{checks, services};

/// Sessions with the database of each projection, at the most.
const SESSIONS: u32 = 4;

/// Run all services in one process, for development and small installations
///
/// Without `postgres:` in the configuration a private Postgres is started from the
/// programs installed on this machine; its data is kept in .dragoman/ beside the
/// configuration. Other commands that run beside find it by themselves.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman init shop && cd shop && dragoman dev")]
pub(crate) struct Dev {}

impl Dev {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let config = Config::read(&globals.config).map_err(Failure::Configuration)?;
        let findings = checks::check(&config);
        if !findings.problems.is_empty() {
            return Err(Failure::Configuration(findings.problems));
        }
        let folder = Folder::take(&config.folder()).map_err(|error| Failure::from_error(&error))?;
        match &config.postgres {
            Some(url) => {
                let url = url.expose().to_owned();
                run_all(config, &url, findings, &mut signals).await
            }
            None => {
                let server = Server::start(folder)
                    .await
                    .map_err(|error| Failure::from_error(&error))?;
                tracing::info!(
                    "a private Postgres runs: psql \"$(cat {})\"",
                    config.folder().join(".dragoman/postgres.url").display()
                );
                let result = run_all(config, server.url(), findings, &mut signals).await;
                server.stop().map_err(|error| Failure::from_error(&error))?;
                result
            }
        }
    }
}

async fn run_all(
    config: Config,
    url: &str,
    findings: Findings,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let store = connect(url, 32)?;
    prepare(&config, &store).await?;
    let projections = Projections::connect(&config, &findings.definitions, url, SESSIONS)?;
    let stop = CancellationToken::new();
    let status = StatusReader::new(store.clone(), projections.clone());
    let admin = Admin::start(Some(config.http.admin.0), &store, status).await?;
    let schemas = Arc::new(findings.schemas);
    let mut parts = vec![services::relay(
        &config,
        store.clone(),
        Arc::clone(&schemas),
        &projections,
        stop.clone(),
    )];
    if !findings.adapters.is_empty() {
        let (store, adapters) = (store.clone(), findings.adapters);
        parts.push(services::ingest(
            &config,
            store,
            adapters,
            schemas,
            stop.clone(),
        ));
    }
    for (_, projection) in projections.iter() {
        let part = services::projection(&config, store.clone(), projection, stop.clone());
        parts.push(part);
    }
    let result = supervise(&store, parts, signals, &stop, OnHalt::GoOn).await;
    admin.stop().await;
    store.close().await;
    result
}

/// The schema and the catalogue, as `dragoman migrate` brings them.
async fn prepare(config: &Config, store: &Store) -> Result<(), Failure> {
    let catalogue = catalogue_of(config)?;
    let outcome = store
        .migrate()
        .await
        .map_err(|error| Failure::from_error(&error))?;
    if !outcome.applied.is_empty() {
        tracing::info!(applied = outcome.applied.join(", "), "migrated");
    }
    store
        .synchronise_catalogue(&catalogue)
        .await
        .map_err(|error| Failure::from_error(&error))
}
