//! Whether the values of a configuration fit each other, and the files that it
//! names are what they should be. Nothing is started for it.

use crate::config::{Config, Problem};

mod events;
mod kafka;

pub(crate) use events::Schemas;

/// What was looked at, and what was found.
#[derive(Default)]
pub(crate) struct Findings {
    /// One line for each thing that was checked, for people.
    pub(crate) checked: Vec<String>,
    /// What is wrong with the configuration or a file that it names.
    pub(crate) problems: Vec<Problem>,
    /// The schema of each type of the catalogue, compiled.
    pub(crate) schemas: Schemas,
    /// Samples that did not give what they should.
    pub(crate) failed_samples: Vec<String>,
}

/// Checks everything that can be checked without a database and without Kafka.
pub(crate) fn check(config: &Config) -> Findings {
    let mut findings = Findings::default();
    kafka::check(config, &mut findings);
    events::check(config, &mut findings);
    findings
}
