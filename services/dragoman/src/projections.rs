//! The projections of a configuration, compiled, each with the database that it
//! writes to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dragoman_projector::{Definition, Target};
use dragoman_relay::KnownTails;
use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::checks::Definitions;
use crate::config::Config;
use crate::failure::{Failure, chain};

/// A projection and where it writes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    pub(crate) definition: Arc<Definition>,
    pub(crate) target: Target,
}

/// The projections by name. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Projections(Arc<BTreeMap<String, Projection>>);

impl Projections {
    /// Prepares sessions with each target, `sessions` for each projection; those that
    /// write to one database share them. Nothing is asked of any target yet.
    ///
    /// # Errors
    /// When a URL cannot be read.
    pub(crate) fn connect(
        config: &Config,
        definitions: &Definitions,
        hub_url: &str,
        sessions: u32,
    ) -> Result<Self, Failure> {
        let mut urls = BTreeMap::new();
        let mut users: HashMap<&str, u32> = HashMap::new();
        for name in definitions.keys() {
            let Some(options) = config.projections.get(name) else {
                continue;
            };
            let url = options.sink.database().map_or(hub_url, |url| url.expose());
            urls.insert(name, url);
            *users.entry(url).or_default() += sessions;
        }
        let mut targets = HashMap::new();
        for (url, sessions) in users {
            let target =
                Target::connect(url, "dragoman projection", sessions).map_err(|error| {
                    Failure::failed(
                        format!(
                            "the database of a projection cannot be used: {}",
                            chain(&error)
                        ),
                        "correct `sink.url` of the projection, or `postgres:`",
                    )
                })?;
            targets.insert(url, target);
        }
        let mut projections = BTreeMap::new();
        for (name, definition) in definitions {
            if let Some(target) = urls.get(name).and_then(|url| targets.get(url)) {
                let projection = Projection {
                    definition: Arc::clone(definition),
                    target: target.clone(),
                };
                projections.insert(name.clone(), projection);
            }
        }
        Ok(Self(Arc::new(projections)))
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Projection)> {
        self.0
            .iter()
            .map(|(name, projection)| (name.as_str(), projection))
    }

    /// The projection of that name.
    ///
    /// # Errors
    /// Which there are, when there is none.
    pub(crate) fn get(&self, config: &Config, name: &str) -> Result<&Projection, Failure> {
        config.require_projection(name)?;
        self.0.get(name).ok_or_else(|| {
            Failure::failed(
                format!("the projection {name} does not compile"),
                "`dragoman check` says why",
            )
        })
    }

    /// What the relay compares with the ledger before it seals. A target that does not
    /// answer is done without, so that it cannot hold up the log; its projection
    /// compares for itself when it reads.
    pub(crate) fn known_tails(&self) -> KnownTails {
        let projections = self.clone();
        Arc::new(move || {
            let projections = projections.clone();
            async move {
                let asked = projections.iter().map(|(name, projection)| {
                    dragoman_projector::known_tails(&projection.target, name)
                });
                join_all(asked).await.into_iter().flatten().collect()
            }
            .boxed()
        })
    }
}
