//! The kinds of adapter: one file for each, one line for it in the registry below.

mod api;
mod problem;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::api::ApiOptions;
pub use self::problem::{AdapterProblem, FilePlace};
pub(crate) use self::webhook::Webhook;
pub use self::webhook::WebhookOptions;
use crate::Schemas;

macro_rules! adapters {
    ($($(#[$docs:meta])* $kind:ident($options:ty),)*) => {
        /// A way in.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(tag = "kind")]
        pub enum AdapterOptions {
            $($(#[$docs])* $kind($options),)*
        }

        /// A kind of adapter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AdapterKind {
            $($(#[$docs])* $kind,)*
        }

        impl AdapterKind {
            /// All of them: whoever attacks or describes each walks this.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];
        }

        impl AdapterOptions {
            fn compile(&self, name: &str, schemas: &Schemas) -> Result<Adapter, Vec<AdapterProblem>> {
                match self {
                    $(Self::$kind(options) => options.compile(name, schemas),)*
                }
            }
        }
    };
}

adapters! {
    /// The CloudEvents API, `POST /v1/events`, for programs that have a key of the hub
    /// (`dragoman keys create`). There is one at the most.
    Api(ApiOptions),
    /// `POST /hooks/NAME`, for senders that have a form of their own.
    Webhook(WebhookOptions),
}

/// An adapter that is ready to work.
#[derive(Debug)]
enum Adapter {
    Api,
    Webhook(Box<Webhook>),
}

/// The adapters of a configuration, ready to work.
#[derive(Debug, Default)]
pub struct Adapters {
    api: Option<Arc<str>>,
    webhooks: BTreeMap<String, Arc<Webhook>>,
}

impl Adapters {
    /// Prepares the adapters of a configuration: secrets, and mappings checked against
    /// the schemas of what they may yield.
    ///
    /// # Errors
    /// Everything that is wrong, with the path of keys to it.
    pub fn compile(
        options: &IndexMap<String, AdapterOptions>,
        schemas: &Schemas,
    ) -> Result<Self, Vec<AdapterProblem>> {
        let mut adapters = Self::default();
        let mut problems = Vec::new();
        for (name, options) in options {
            problems.extend(problem::of_name(name));
            match options.compile(name, schemas) {
                Ok(adapter) => problems.extend(adapters.add(name, adapter)),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            Ok(adapters)
        } else {
            Err(problems)
        }
    }

    fn add(&mut self, name: &str, adapter: Adapter) -> Option<AdapterProblem> {
        match adapter {
            Adapter::Api => {
                if let Some(first) = &self.api {
                    return Some(AdapterProblem::new(
                        name,
                        &["kind"],
                        format!("there is a second adapter of kind api; {first} is the first"),
                        "remove one: all keys come in by the same path, whatever it is called",
                    ));
                }
                self.api = Some(name.into());
            }
            Adapter::Webhook(webhook) => {
                let same = self
                    .webhooks
                    .values()
                    .find(|other| other.source == webhook.source);
                if let Some(other) = same {
                    return Some(AdapterProblem::new(
                        name,
                        &["source"],
                        format!(
                            "the source {} is the one of adapter {} too",
                            webhook.source, other.name
                        ),
                        "give each adapter a source of its own: ids are unique within a source",
                    ));
                }
                self.webhooks.insert(name.to_owned(), Arc::from(webhook));
            }
        }
        None
    }

    /// Whether there is no way in at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.api.is_none() && self.webhooks.is_empty()
    }

    /// A line for each adapter, for people.
    #[must_use]
    pub fn described(&self) -> Vec<String> {
        let api = self
            .api
            .iter()
            .map(|name| format!("adapter {name} → POST /v1/events"));
        let webhooks = self.webhooks.values().map(|webhook| {
            format!(
                "adapter {} → POST /hooks/{}, source {}, mapping {}",
                webhook.name,
                webhook.name,
                webhook.source,
                webhook.mapping_file.display()
            )
        });
        api.chain(webhooks).collect()
    }

    /// The names of all of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let webhooks = self.webhooks.values().map(|webhook| &*webhook.name);
        self.api.as_deref().into_iter().chain(webhooks)
    }

    /// The name of the API's adapter, if there is one.
    pub(crate) fn api(&self) -> Option<&Arc<str>> {
        self.api.as_ref()
    }

    /// The webhook of that name, if there is one.
    pub(crate) fn webhook(&self, name: &str) -> Option<&Arc<Webhook>> {
        self.webhooks.get(name)
    }

    /// All webhooks, by name.
    pub(crate) fn webhooks(&self) -> impl Iterator<Item = &Arc<Webhook>> {
        self.webhooks.values()
    }
}
