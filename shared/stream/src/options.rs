//! What `kafka:` in the configuration says.

use std::collections::BTreeMap;
use std::fmt;

use dragoman_settings::{Period, Secret, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client;

/// The Kafka cluster that events are published to, and that projections read from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaOptions {
    /// Where the cluster is met first: `host:port`, several separated by commas.
    pub brokers: Text,
    /// How topics are created that do not exist yet. A topic that exists stays as it is.
    #[serde(default)]
    pub topics: TopicOptions,
    /// Encryption and credentials; left out: plain text, nobody named.
    #[serde(default)]
    pub security: Option<SecurityOptions>,
    /// Further settings of the client, by their librdkafka names. Those that order
    /// and completeness rest on are refused.
    #[serde(default)]
    pub properties: BTreeMap<String, Secret>,
}

/// How topics are created that do not exist yet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TopicOptions {
    /// Partitions of a new topic: how many consumers of one group can share it.
    /// Later changes of the count are refused, because they would move subjects.
    #[schemars(range(min = 1))]
    pub partitions: i32,
    /// Brokers that hold a copy of each partition.
    #[schemars(range(min = 1))]
    pub replication: i32,
    /// How long Kafka keeps records. The log in Postgres keeps them all: a
    /// projection that comes later than this fills the gap from there.
    pub retention: Period,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            partitions: 8,
            replication: 1,
            retention: Period::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// Encryption of the connection, and who the hub is to the cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityOptions {
    /// How to speak to the brokers.
    pub protocol: SecurityProtocol,
    /// How to log in, for the `sasl_` protocols.
    #[serde(default)]
    pub mechanism: Option<SaslMechanism>,
    /// Who logs in.
    #[serde(default)]
    pub username: Option<Text>,
    /// With which password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The certificates to trust, as PEM (`file:ca.pem`); left out: the system's.
    #[serde(default)]
    pub ca: Option<Text>,
}

/// How to speak to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// In the clear, nobody named.
    Plaintext,
    /// TLS.
    Ssl,
    /// In the clear, logged in.
    SaslPlaintext,
    /// TLS, logged in.
    SaslSsl,
}

impl SecurityProtocol {
    /// Whether somebody logs in.
    #[must_use]
    pub const fn needs_login(self) -> bool {
        match self {
            Self::Plaintext | Self::Ssl => false,
            Self::SaslPlaintext | Self::SaslSsl => true,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

/// How to log in (RFC 4422 mechanisms).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SaslMechanism {
    /// The password as it is; use it with `sasl_ssl` only.
    #[serde(rename = "PLAIN")]
    Plain,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaOptions {
    /// Options with nothing but an address: plain text, topics as by default.
    #[must_use]
    pub fn at(brokers: &str) -> Self {
        Self {
            brokers: brokers.into(),
            topics: TopicOptions::default(),
            security: None,
            properties: BTreeMap::new(),
        }
    }

    /// Everything that is wrong with them, found without connecting.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingProblem> {
        client::problems(self)
    }
}

/// Something wrong with one setting under `kafka:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The keys that lead to it from `kafka:`.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl SettingProblem {
    pub(crate) fn new(path: &[&str], message: &str, remedy: &str) -> Self {
        Self {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            message: message.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`kafka.{}`: {}; {}",
            self.path.join("."),
            self.message,
            self.remedy
        )
    }
}
