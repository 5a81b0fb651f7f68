//! What an administrator of Kafka does to topics, by Kafka's own tools.

use std::process::Command;

use crate::{end_offsets, kafka_libraries};

/// The topics of a Kafka.
#[derive(Debug, Clone)]
pub struct Topics {
    brokers: String,
}

impl Topics {
    /// Those at that address.
    #[must_use]
    pub fn at(brokers: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
        }
    }

    /// Takes away every record that a topic holds; its offsets go on.
    pub fn truncate(&self, topic: &str, partitions: i32) {
        let ends: Vec<serde_json::Value> = end_offsets(&self.brokers, topic, partitions)
            .into_iter()
            .map(|(partition, offset)| {
                serde_json::json!({ "topic": topic, "partition": partition, "offset": offset })
            })
            .collect();
        let wanted = written(&serde_json::json!({ "partitions": ends, "version": 1 }));
        self.tool(
            "org.apache.kafka.tools.DeleteRecordsCommand",
            &["--offset-json-file", &wanted.path().to_string_lossy()],
        );
    }

    /// Lets nodes keep a topic, the first of which is to lead it.
    pub fn assign(&self, topic: &str, partitions: i32, nodes: &[u8]) {
        let wanted: Vec<serde_json::Value> = (0..partitions)
            .map(|partition| {
                serde_json::json!({ "topic": topic, "partition": partition, "replicas": nodes })
            })
            .collect();
        let wanted = written(&serde_json::json!({ "partitions": wanted, "version": 1 }));
        self.tool(
            "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
            &[
                "--execute",
                "--reassignment-json-file",
                &wanted.path().to_string_lossy(),
            ],
        );
    }

    /// Takes a topic away.
    pub fn delete(&self, topic: &str) {
        let topic = ["--delete", "--topic", topic];
        self.tool("org.apache.kafka.tools.TopicCommand", &topic);
    }

    /// Makes a topic.
    pub fn create(&self, topic: &str, partitions: i32) {
        let partitions = partitions.to_string();
        let topic = ["--create", "--topic", topic, "--partitions", &partitions];
        self.tool("org.apache.kafka.tools.TopicCommand", &topic);
    }

    /// Sets something of a topic.
    pub fn set(&self, topic: &str, setting: &str, value: &str) {
        let change = format!("{setting}={value}");
        self.configure(topic, &["--add-config", &change]);
    }

    /// Lets something of a topic be what the broker says again.
    pub fn unset(&self, topic: &str, setting: &str) {
        self.configure(topic, &["--delete-config", setting]);
    }

    fn configure(&self, topic: &str, change: &[&str]) {
        let which = ["--alter", "--entity-type", "topics", "--entity-name", topic];
        self.tool("kafka.admin.ConfigCommand", &[&which[..], change].concat());
    }

    fn tool(&self, class: &str, arguments: &[&str]) {
        let output = Command::new("java")
            .args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(["-cp", &kafka_libraries(), class])
            .args(["--bootstrap-server", &self.brokers])
            .args(arguments)
            .output()
            .expect("there is java");
        assert!(
            output.status.success(),
            "{class} {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn written(what: &serde_json::Value) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    std::fs::write(file.path(), what.to_string()).expect("a file can be written");
    file
}
