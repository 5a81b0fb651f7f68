//! Why a command did not do what was asked, and the exit code that says so.

use std::error::Error;
use std::process::ExitCode;

use crate::config::Problem;
use crate::output;

/// A command's bad end. Exit codes: 1 failed, 2 wrong usage or configuration,
/// 3 checked and found wanting.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    Configuration(Vec<Problem>),
    /// The command line asks for something that there is not.
    Usage { message: String, remedy: String },
    /// It was tried and did not succeed.
    Failed { message: String, remedy: String },
    /// Something was checked and is not as it should be; the command has said what.
    Wanting,
}

impl Failure {
    /// Tried and failed, with what to do about it.
    pub(crate) fn failed(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Wrong usage, with what to type instead.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Tried and failed with an error that says itself what to do.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        Self::failed(chain(error), "")
    }

    /// What went wrong, in a line.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Configuration(problems) => problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect::<Vec<_>>()
                .join("; "),
            Self::Usage { message, .. } | Self::Failed { message, .. } => message.clone(),
            Self::Wanting => "something is not as it should be".to_owned(),
        }
    }

    /// Tells a person, on stderr, and gives the code to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Configuration(problems) => {
                for problem in problems {
                    output::error_line(&problem.to_string());
                }
                let count = problems.len();
                let things = if count == 1 { "problem" } else { "problems" };
                output::error_line(&format!("{count} {things} in the configuration"));
                ExitCode::from(2)
            }
            Self::Usage { message, remedy } => {
                output::error_line(&with_help(message, remedy));
                ExitCode::from(2)
            }
            Self::Failed { message, remedy } => {
                output::error_line(&with_help(message, remedy));
                ExitCode::FAILURE
            }
            Self::Wanting => ExitCode::from(3),
        }
    }
}

/// An error and its causes in one line. A cause that the one above has told already
/// is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// What the system or the server said, without what was being done.
pub(crate) fn last_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => last_cause(cause),
        None => error.to_string(),
    }
}

fn with_help(message: &str, remedy: &str) -> String {
    if remedy.is_empty() {
        format!("error: {message}")
    } else {
        format!("error: {message}\n  help: {remedy}")
    }
}
