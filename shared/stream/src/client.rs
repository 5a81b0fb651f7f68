//! From the options to the settings of a librdkafka client.

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;

use crate::{KafkaOptions, SecurityOptions, StreamError};

/// Settings that nobody may change under `kafka.properties`: the address and the
/// credentials because they have names of their own, the rest because order,
/// completeness or the ownership of positions rests on them.
const GUARDED: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "batch.size",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "queuing.strategy",
    "request.required.acks",
    "retries",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "ssl.ca.pem",
    "transactional.id",
];

/// Looks whether a client can be made of the options, without connecting: names and
/// values of `properties` included.
pub(crate) fn check_all(options: &KafkaOptions) -> Result<(), StreamError> {
    let mut config = base(options)?;
    apply_properties(&mut config, options);
    config
        .create_native_config()
        .map(|_| ())
        .map_err(|source| StreamError::Settings {
            source: source.into(),
        })
}

/// The settings that every client of the hub starts from. Whoever adds its own
/// calls [`apply_properties`] last.
pub(crate) fn base(options: &KafkaOptions) -> Result<ClientConfig, StreamError> {
    check(options)?;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", options.brokers.as_str())
        .set("client.id", "dragoman")
        .set("allow.auto.create.topics", "false")
        .set("broker.address.ttl", "5000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "2000")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set_log_level(RDKafkaLogLevel::Warning);
    if let Some(security) = &options.security {
        secure(&mut config, security);
    }
    Ok(config)
}

/// Lays what the user set over everything but what is guarded.
pub(crate) fn apply_properties(config: &mut ClientConfig, options: &KafkaOptions) {
    for (property, value) in &options.properties {
        config.set(property.as_str(), value.expose());
    }
}

fn check(options: &KafkaOptions) -> Result<(), StreamError> {
    for property in options.properties.keys() {
        if GUARDED.contains(&property.as_str()) {
            return Err(StreamError::GuardedProperty {
                property: property.clone(),
            });
        }
    }
    if options.topics.partitions < 1 || options.topics.replication < 1 {
        return Err(contradiction(
            "`topics.partitions` and `topics.replication` are at least 1",
        ));
    }
    let Some(security) = &options.security else {
        return Ok(());
    };
    let login =
        security.mechanism.is_some() && security.username.is_some() && security.password.is_some();
    let named =
        security.mechanism.is_some() || security.username.is_some() || security.password.is_some();
    if security.protocol.needs_login() && !login {
        return Err(contradiction(
            "`security.protocol` logs in, so it needs `mechanism`, `username` and `password`",
        ));
    }
    if !security.protocol.needs_login() && named {
        return Err(contradiction(
            "`security.protocol` does not log in; use sasl_ssl or sasl_plaintext, or leave `mechanism`, `username` and `password` out",
        ));
    }
    Ok(())
}

fn secure(config: &mut ClientConfig, security: &SecurityOptions) {
    config.set("security.protocol", security.protocol.name());
    if let Some(mechanism) = security.mechanism {
        config.set("sasl.mechanisms", mechanism.name());
    }
    if let Some(username) = &security.username {
        config.set("sasl.username", username.as_str());
    }
    if let Some(password) = &security.password {
        config.set("sasl.password", password.expose());
    }
    if let Some(ca) = &security.ca {
        config.set("ssl.ca.pem", ca.as_str());
    }
}

fn contradiction(explanation: &str) -> StreamError {
    StreamError::ContradictorySettings {
        explanation: explanation.to_owned(),
    }
}

/// The context of clients that only ask: their complaints go to the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct QuietContext;

impl ClientContext for QuietContext {
    fn error(&self, error: KafkaError, reason: &str) {
        complain(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for QuietContext {}

/// A complaint of a client that goes on trying by itself.
pub(crate) fn complain(error: &KafkaError, reason: &str) {
    tracing::warn!(%error, reason, "Kafka is not well; the client keeps trying");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::base;
    use crate::{KafkaOptions, SaslMechanism, SecurityOptions, SecurityProtocol, StreamError};

    #[test]
    fn what_guarantees_order_cannot_be_overridden() {
        let mut options = KafkaOptions::at("127.0.0.1:9092");
        options
            .properties
            .insert("socket.timeout.ms".into(), "1000".into());
        assert!(options.check().is_ok());
        options
            .properties
            .insert("message.timeout.ms".into(), "1000".into());
        assert!(matches!(
            options.check(),
            Err(StreamError::GuardedProperty { property }) if property == "message.timeout.ms"
        ));
    }

    #[test]
    fn a_property_that_librdkafka_does_not_know_is_found_without_a_broker() {
        for (property, value) in [("socket.timeout", "1000"), ("socket.timeout.ms", "soon")] {
            let mut options = KafkaOptions::at("127.0.0.1:9092");
            options.properties.insert(property.into(), value.into());
            assert!(matches!(options.check(), Err(StreamError::Settings { .. })));
        }
    }

    #[test]
    fn a_login_is_whole_or_absent() {
        let mut options = KafkaOptions::at("127.0.0.1:9092");
        options.security = Some(SecurityOptions {
            protocol: SecurityProtocol::SaslSsl,
            mechanism: Some(SaslMechanism::ScramSha512),
            username: Some("hub".into()),
            password: None,
            ca: None,
        });
        assert!(matches!(
            base(&options),
            Err(StreamError::ContradictorySettings { .. })
        ));
        if let Some(security) = options.security.as_mut() {
            security.password = Some("secret".into());
        }
        let config = base(&options).unwrap();
        assert_eq!(config.get("sasl.mechanisms"), Some("SCRAM-SHA-512"));
    }
}
