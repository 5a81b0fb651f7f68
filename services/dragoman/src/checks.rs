//! Whether the values of a configuration fit each other, and the files that it
//! names are what they should be. Nothing is started for it.

use dragoman_ingest::Adapters;

use crate::config::{Config, Problem};

mod adapters;
mod events;
mod kafka;
mod projections;

pub(crate) use events::Schemas;
pub(crate) use projections::Definitions;

/// What was looked at, and what was found.
#[derive(Default)]
pub(crate) struct Findings {
    /// One line for each thing that was checked, for people.
    pub(crate) checked: Vec<String>,
    /// What is wrong with the configuration or a file that it names.
    pub(crate) problems: Vec<Problem>,
    /// The schema of each type of the catalogue, compiled.
    pub(crate) schemas: Schemas,
    /// The adapters, ready to work; none when something is wrong with one.
    pub(crate) adapters: Adapters,
    /// The projections that compile.
    pub(crate) definitions: Definitions,
    /// Samples that did not give what they should.
    pub(crate) failed_samples: Vec<String>,
}

/// Checks everything that can be checked without a database and without Kafka.
pub(crate) fn check(config: &Config) -> Findings {
    let mut findings = Findings::default();
    kafka::check(config, &mut findings);
    events::check(config, &mut findings);
    adapters::check(config, &mut findings);
    projections::check(config, &mut findings);
    findings
}

/// Checks the projections and what they are made of, and nothing else: for commands
/// that look at projections, and must work while something else is being mended.
pub(crate) fn check_projections(config: &Config) -> Findings {
    let mut findings = Findings::default();
    events::check(config, &mut findings);
    projections::check(config, &mut findings);
    findings
}

/// Checks the adapters and what they are made of, and nothing else: for commands that
/// look at deliveries, and must work while something else is being mended.
pub(crate) fn check_adapters(config: &Config) -> Findings {
    let mut findings = Findings::default();
    events::check(config, &mut findings);
    adapters::check(config, &mut findings);
    findings
}

/// Runs the samples beside the mappings.
pub(crate) fn run_samples(findings: &mut Findings) {
    adapters::run_samples(findings);
}
