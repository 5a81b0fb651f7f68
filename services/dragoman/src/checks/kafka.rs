//! `kafka:`, without a broker.

use super::Findings;
use crate::config::Config;

/// Checks the settings as far as the client library can without connecting.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    let Some(options) = &config.kafka else {
        findings
            .checked
            .push("no kafka: projections follow the log in Postgres".to_owned());
        return;
    };
    let problems = options.problems();
    if problems.is_empty() {
        findings
            .checked
            .push(format!("kafka at {}", options.brokers));
    }
    for problem in problems {
        let path = std::iter::once("kafka").chain(problem.path.iter().map(String::as_str));
        let problem = config.problem(path, problem.message.clone(), problem.remedy.clone());
        findings.problems.push(problem);
    }
}
