//! `dragoman check`.

use clap::Args;
use serde_json::json;

use crate::config::{Config, Problem};
use crate::failure::Failure;
use crate::globals::Globals;
use crate::{checks, output};

/// Check everything that can be wrong, without starting anything
///
/// Configuration, files, schemas, mappings, programs, the order that projections
/// need; and the samples beside the mappings are run.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman check --json\n\nExits with 2 when the configuration is wrong, with 3 when a sample fails."
)]
pub(crate) struct Check {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self, globals: &Globals) -> Result<(), Failure> {
        let config = match Config::read(&globals.config) {
            Ok(config) => config,
            Err(problems) => return self.wrong(problems),
        };
        let mut findings = checks::check(&config);
        if !findings.problems.is_empty() {
            return self.wrong(findings.problems);
        }
        checks::run_samples(&mut findings);
        if self.json {
            output::json(&json!({
                "checked": findings.checked, "problems": [], "failed_samples": findings.failed_samples,
            }))?;
        } else {
            for checked in &findings.checked {
                output::line(&format!("ok  {checked}"))?;
            }
            for failed in &findings.failed_samples {
                output::error_line(&format!("error: {failed}"));
            }
        }
        if findings.failed_samples.is_empty() {
            Ok(())
        } else {
            Err(Failure::Wanting)
        }
    }

    fn wrong(&self, problems: Vec<Problem>) -> Result<(), Failure> {
        if self.json {
            output::json(&json!({ "checked": [], "problems": problems, "failed_samples": [] }))?;
        }
        Err(Failure::Configuration(problems))
    }
}
