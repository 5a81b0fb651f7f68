//! `events:` the catalogue.

use dragoman_settings::{FilePath, Text};
use schemars::JsonSchema;
use serde::Deserialize;

/// One type of event. What is not listed cannot enter the log.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventOptions {
    /// The Kafka topic it is published to. Left out: the part of the type before its
    /// first dot.
    #[serde(default)]
    pub(crate) topic: Option<Text>,
    /// A JSON Schema (2020-12) that the data of every such event must satisfy.
    #[serde(default)]
    pub(crate) schema: Option<FilePath>,
    /// What it means, for people.
    #[serde(default)]
    pub(crate) description: Option<String>,
}

impl EventOptions {
    /// The topic of events of this type.
    pub(crate) fn topic_of(&self, event_type: &str) -> String {
        match &self.topic {
            Some(topic) => topic.as_str().to_owned(),
            None => event_type
                .split_once('.')
                .map_or(event_type, |(family, _)| family)
                .to_owned(),
        }
    }
}
