//! The catalogue: names that can be types and topics, schemas that compile.

use std::collections::BTreeMap;

use dragoman_translate::Schema;

use super::Findings;
use crate::config::Config;
use crate::failure::chain;

/// The compiled schema of each type of the catalogue that has one.
pub(crate) type Schemas = BTreeMap<String, Option<Schema>>;

/// Checks `events:` and compiles the schemas.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    for (event_type, options) in &config.events {
        if !is_type(event_type) {
            findings.problems.push(config.problem(
                ["events", event_type],
                format!("`{event_type}` cannot be an event type"),
                "use letters, digits, dots, dashes and underscores, 200 at the most, as in order.placed",
            ));
        }
        let topic = options.topic_of(event_type);
        if options.topic.is_some() && !is_topic(&topic) {
            findings.problems.push(config.problem(
                ["events", event_type, "topic"],
                format!("`{topic}` cannot be the name of a Kafka topic"),
                "use letters, digits, dots, dashes and underscores, 249 at the most",
            ));
        }
        findings.schemas.insert(event_type.clone(), None);
        let Some(file) = &options.schema else {
            findings
                .checked
                .push(format!("event {event_type} → topic {topic}, any JSON"));
            continue;
        };
        let compiled = file
            .read()
            .map_err(|error| error.to_string())
            .and_then(|text| Schema::compile(event_type, &text).map_err(|error| chain(&error)));
        match compiled {
            Ok(schema) => {
                findings.checked.push(format!(
                    "event {event_type} → topic {topic}, schema {}",
                    file.path().display()
                ));
                findings.schemas.insert(event_type.clone(), Some(schema));
            }
            Err(error) => findings.problems.push(config.problem(
                ["events", event_type, "schema"],
                format!("the schema {} cannot be used: {error}", file.path().display()),
                "mend the file: it must be a JSON Schema (2020-12) that refers to nothing outside itself",
            )),
        }
    }
}

fn is_type(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'))
}

fn is_topic(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 249
        && name != "."
        && name != ".."
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'))
}
