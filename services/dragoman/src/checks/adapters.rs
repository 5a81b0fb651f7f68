//! `adapters:` names, secrets, mappings that fit the schemas; samples.

use dragoman_ingest::{AdapterProblem, Adapters};

use super::Findings;
use crate::config::{Config, Problem};

/// Checks `adapters:` and makes them ready. The schemas must have been compiled.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    match Adapters::compile(&config.adapters, &findings.schemas) {
        Ok(adapters) => {
            findings.checked.extend(adapters.described());
            findings.adapters = adapters;
        }
        Err(problems) => {
            let problems = problems.iter().map(|problem| located(config, problem));
            findings.problems.extend(problems);
        }
    }
}

fn located(config: &Config, problem: &AdapterProblem) -> Problem {
    let (message, remedy) = (problem.message.clone(), problem.remedy.clone());
    match &problem.file {
        Some(place) => Problem::at(&place.file, place.line, place.column, message, remedy),
        None => {
            let path = std::iter::once("adapters").chain(problem.path.iter().map(String::as_str));
            config.problem(path, message, remedy)
        }
    }
}

/// Runs the samples of the adapters.
pub(super) fn run_samples(findings: &mut Findings) {
    for sample in findings.adapters.run_samples(&findings.schemas) {
        let name = format!("sample {} of adapter {}", sample.name, sample.adapter);
        match sample.failure {
            None => findings.checked.push(name),
            Some(failure) => findings.failed_samples.push(format!("{name}: {failure}")),
        }
    }
}
