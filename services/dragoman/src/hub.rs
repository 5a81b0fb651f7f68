//! The configuration and the database it names, opened for a command.

use std::time::Duration;

use dragoman_store::{CatalogueEntry, MigrateError, Store, StoreError, StoreOptions};

use crate::checks;
use crate::config::{Config, Problem};
use crate::failure::{Failure, chain, last_cause};
use crate::globals::Globals;
use crate::lifecycle::Signals;
use crate::private_postgres::running_url;
use crate::projections::Projections;

/// A configuration and the hub's database.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) store: Store,
    /// The URL of the database. Holds a password, most often.
    pub(crate) url: String,
}

impl Hub {
    /// Reads the configuration and opens its database, which must answer and have
    /// the schema of this program.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) async fn open(globals: &Globals) -> Result<Self, Failure> {
        let hub = Self::open_any_schema(globals)?;
        hub.store.check_schema().await.map_err(not_open)?;
        Ok(hub)
    }

    /// As [`Hub::open`], for a process that stays: a database that does not answer
    /// yet is waited for. `None` when it was told to stop meanwhile.
    ///
    /// # Errors
    /// What is wrong with the configuration or the schema.
    pub(crate) async fn open_patiently(
        globals: &Globals,
        signals: &mut Signals,
    ) -> Result<Option<Self>, Failure> {
        let hub = Self::open_any_schema(globals)?;
        loop {
            match hub.store.check_schema().await {
                Ok(()) => return Ok(Some(hub)),
                Err(MigrateError::Store(error)) if error.is_unavailable() => {
                    if !may_try_again(&error, signals).await {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(not_open(error)),
            }
        }
    }

    /// Makes the catalogue in the database equal to the configuration, for a process
    /// that stays: a database that does not answer is waited for. `None` when it was told
    /// to stop meanwhile.
    ///
    /// # Errors
    /// What is wrong with the configuration, or what the database refused for good.
    pub(crate) async fn synchronise_patiently(
        &self,
        signals: &mut Signals,
    ) -> Result<Option<()>, Failure> {
        let catalogue = catalogue_of(&self.config)?;
        loop {
            match self.store.synchronise_catalogue(&catalogue).await {
                Ok(()) => return Ok(Some(())),
                Err(error) if error.is_unavailable() => {
                    if !may_try_again(&error, signals).await {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(Failure::from_error(&error)),
            }
        }
    }

    /// As [`Hub::open`], whatever schema the database has: for `migrate`. Nothing is
    /// asked of the database yet.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub(crate) fn open_any_schema(globals: &Globals) -> Result<Self, Failure> {
        let config = Config::read(&globals.config).map_err(Failure::Configuration)?;
        let url = match &config.postgres {
            Some(url) => url.expose().to_owned(),
            None => running_url(&config.folder()).ok_or_else(|| {
                Failure::failed(
                    format!(
                        "{} names no `postgres:`, and no `dragoman dev` runs beside it",
                        config.file().display()
                    ),
                    "start `dragoman dev` in another terminal, or set `postgres:`",
                )
            })?,
        };
        let store = connect(&url, 4)?;
        Ok(Self { config, store, url })
    }

    /// The projections, for looking at them: they are checked, and nothing else of the
    /// configuration is.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn projections(&self) -> Result<Projections, Failure> {
        let findings = checks::check_projections(&self.config);
        if !findings.problems.is_empty() {
            return Err(Failure::Configuration(findings.problems));
        }
        Projections::connect(&self.config, &findings.definitions, &self.url, 2)
    }
}

/// Rests until the database may be there. False when told to stop meanwhile.
async fn may_try_again(error: &StoreError, signals: &mut Signals) -> bool {
    tracing::warn!(error = chain(error), "waiting for the hub's database");
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(1)) => true,
        () = signals.next() => false,
    }
}

fn not_open(error: MigrateError) -> Failure {
    match error {
        MigrateError::Store(error) if error.is_unavailable() => Failure::failed(
            format!("the hub's database does not answer: {}", last_cause(&error)),
            "start Postgres, or correct `postgres:` in the configuration",
        ),
        other => Failure::from_error(&other),
    }
}

/// Prepares sessions with a database. Nothing is asked of it yet.
///
/// # Errors
/// When the URL cannot be read.
pub(crate) fn connect(url: &str, max_connections: u32) -> Result<Store, Failure> {
    let options = StoreOptions {
        application_name: "dragoman".to_owned(),
        max_connections,
        acquire_timeout: Duration::from_secs(5),
    };
    Store::connect(url, &options).map_err(|error| Failure::from_error(&error))
}

/// The catalogue as the configuration has it.
///
/// # Errors
/// When a schema cannot be read any more.
pub(crate) fn catalogue_of(config: &Config) -> Result<Vec<CatalogueEntry>, Failure> {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    for (event_type, options) in &config.events {
        let schema = match options.schema.as_ref().map(|file| file.read()).transpose() {
            Ok(schema) => schema,
            Err(error) => {
                problems.push(Problem::of_file(
                    options
                        .schema
                        .as_ref()
                        .map_or(config.file(), |file| file.path()),
                    format!("the schema of {event_type} cannot be read ({error})"),
                    "make it readable, as UTF-8 text",
                ));
                continue;
            }
        };
        entries.push(CatalogueEntry {
            event_type: event_type.clone(),
            topic: options.topic_of(event_type),
            schema,
            description: options.description.clone().unwrap_or_default(),
        });
    }
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(Failure::Configuration(problems))
    }
}
