//! From the options to the settings of a librdkafka client.

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::{KafkaOptions, SecurityOptions, SettingProblem, StreamError};

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

/// The settings that every client of the hub starts from. Whoever adds its own
/// calls [`apply_properties`] last.
pub(crate) fn base(options: &KafkaOptions) -> Result<ClientConfig, StreamError> {
    if let Some(problem) = contradictions(options).into_iter().next() {
        return Err(StreamError::Setting { problem });
    }
    Ok(unchecked(options))
}

fn unchecked(options: &KafkaOptions) -> ClientConfig {
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
    config
}

/// Lays what the user set over everything but what is guarded.
pub(crate) fn apply_properties(config: &mut ClientConfig, options: &KafkaOptions) {
    for (property, value) in &options.properties {
        config.set(property.as_str(), value.expose());
    }
}

/// Everything that is wrong with the options, found without connecting.
pub(crate) fn problems(options: &KafkaOptions) -> Vec<SettingProblem> {
    let mut problems = contradictions(options);
    if problems.is_empty() {
        let mut config = unchecked(options);
        apply_properties(&mut config, options);
        problems.extend(config.create_native_config().err().map(refused));
    }
    problems
}

fn contradictions(options: &KafkaOptions) -> Vec<SettingProblem> {
    let guarded = options
        .properties
        .keys()
        .filter(|property| GUARDED.contains(&property.as_str()))
        .map(|property| {
            SettingProblem::new(
                &["properties", property],
                "this setting is the hub's own: order and completeness of what is published, or the meaning of `kafka:`, rest on it",
                "take it out",
            )
        });
    let mut problems: Vec<SettingProblem> = guarded.collect();
    for (name, value) in [
        ("partitions", options.topics.partitions),
        ("replication", options.topics.replication),
    ] {
        if value < 1 {
            problems.push(SettingProblem::new(
                &["topics", name],
                "there is at least 1",
                "give a number from 1",
            ));
        }
    }
    problems.extend(options.security.as_ref().and_then(login_problem));
    problems
}

fn login_problem(security: &SecurityOptions) -> Option<SettingProblem> {
    let given = [
        security.mechanism.is_some(),
        security.username.is_some(),
        security.password.is_some(),
    ];
    if security.protocol.needs_login() && given.contains(&false) {
        return Some(SettingProblem::new(
            &["security", "protocol"],
            "this protocol logs in",
            "give `mechanism`, `username` and `password` too",
        ));
    }
    (!security.protocol.needs_login() && given.contains(&true)).then(|| {
        SettingProblem::new(
            &["security", "protocol"],
            "this protocol does not log in, and somebody to log in is named",
            "use sasl_ssl or sasl_plaintext, or take `mechanism`, `username` and `password` out",
        )
    })
}

fn refused(error: KafkaError) -> SettingProblem {
    match error {
        KafkaError::ClientConfig(_, description, property, _) => SettingProblem::new(
            &["properties", &property],
            &description,
            "see librdkafka's CONFIGURATION.md for its settings",
        ),
        other => SettingProblem::new(
            &["properties"],
            &other.to_string(),
            "see librdkafka's CONFIGURATION.md for its settings",
        ),
    }
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

/// The context of clients that only ask: their complaints go to the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct QuietContext;

impl ClientContext for QuietContext {
    fn error(&self, error: KafkaError, reason: &str) {
        complain(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for QuietContext {}

/// A complaint of a client that goes on trying by itself. That a partition was read to
/// its end comes the same way, and is none.
pub(crate) fn complain(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
        return;
    }
    tracing::warn!(%error, reason, "Kafka is not well; the client keeps trying");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::base;
    use crate::{KafkaOptions, SaslMechanism, SecurityOptions, SecurityProtocol, StreamError};

    fn paths(options: &KafkaOptions) -> Vec<String> {
        let problems = options.problems();
        problems
            .iter()
            .map(|problem| problem.path.join("."))
            .collect()
    }

    #[test]
    fn what_guarantees_order_cannot_be_overridden() {
        let mut options = KafkaOptions::at("127.0.0.1:9092");
        options
            .properties
            .insert("socket.timeout.ms".into(), "1000".into());
        assert!(options.problems().is_empty());
        options
            .properties
            .insert("message.timeout.ms".into(), "1000".into());
        assert_eq!(paths(&options), ["properties.message.timeout.ms"]);
        assert!(matches!(base(&options), Err(StreamError::Setting { .. })));
    }

    #[test]
    fn a_property_that_librdkafka_does_not_know_is_found_without_a_broker() {
        for (property, value) in [("socket.timeout", "1000"), ("socket.timeout.ms", "soon")] {
            let mut options = KafkaOptions::at("127.0.0.1:9092");
            options.properties.insert(property.into(), value.into());
            assert_eq!(paths(&options), [format!("properties.{property}")]);
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
        assert_eq!(paths(&options), ["security.protocol"]);
        if let Some(security) = options.security.as_mut() {
            security.password = Some("secret".into());
        }
        let config = base(&options).unwrap();
        assert_eq!(config.get("sasl.mechanisms"), Some("SCRAM-SHA-512"));
    }
}
