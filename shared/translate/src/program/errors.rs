//! Why a program yields nothing for an event or a delivery.

use thiserror::Error;

use super::exact::InexactNumber;
use super::input::Unreadable;
use super::run::Stopped;

/// Why a program yields no value for an event. The event, not the hub, is at fault:
/// its subject is parked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The program stopped with an error.
    #[error("{program} failed: {message}")]
    Failed {
        /// The program.
        program: String,
        /// What it stopped with.
        message: String,
    },
    /// A number that the program may read cannot be held exactly.
    #[error(transparent)]
    Inexact(#[from] InexactNumber),
    /// The data is not what the schema of its type promises.
    #[error(
        "{program} cannot read {path}: it is {found}, and the schema of the event's type \
         promises {expected}"
    )]
    Unfit {
        /// The program.
        program: String,
        /// The path as a program writes it.
        path: String,
        /// What the schema promises.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A row does not hold what its columns are for.
    #[error(
        "{program} cannot read {path}: the row holds {found}, and the column is for {expected}"
    )]
    UnfitRow {
        /// The fold.
        program: String,
        /// The path as a program writes it.
        path: String,
        /// What the column is for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// It yields something that cannot be used.
    #[error("{program} yields {yielded}; {help}")]
    Unusable {
        /// The program.
        program: String,
        /// What it yields.
        yielded: String,
        /// What to do.
        help: String,
    },
}

impl EvaluateError {
    pub(super) fn new(program: &str, stopped: Stopped) -> Self {
        let program = program.to_owned();
        match stopped {
            Stopped::Failed(message) => Self::Failed { program, message },
            Stopped::Unreadable(Unreadable::Inexact { path, digits }) => {
                Self::Inexact(InexactNumber {
                    program,
                    path,
                    digits,
                })
            }
            Stopped::Unreadable(Unreadable::Unfit {
                path,
                expected,
                found,
            }) => Self::Unfit {
                program,
                path,
                expected: expected.to_string(),
                found: found.to_string(),
            },
        }
    }

    pub(super) fn unusable(program: &str, yielded: String, help: &str) -> Self {
        Self::Unusable {
            program: program.to_owned(),
            yielded,
            help: help.to_owned(),
        }
    }
}

/// Why a delivery could not be mapped. All of them quarantine it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The program stopped with an error.
    #[error("{program} failed: {message}")]
    Failed {
        /// The mapping.
        program: String,
        /// What it stopped with.
        message: String,
    },
    /// A number that the program may read cannot be held exactly.
    #[error(transparent)]
    Inexact(#[from] InexactNumber),
    /// What it yields is no event.
    #[error("{program} yields {yielded}; {help}")]
    NotAnEvent {
        /// The mapping.
        program: String,
        /// What it yields.
        yielded: String,
        /// What to do.
        help: String,
    },
}

impl MappingError {
    pub(super) fn new(program: &str, stopped: Stopped) -> Self {
        let program = program.to_owned();
        match stopped {
            Stopped::Failed(message) => Self::Failed { program, message },
            Stopped::Unreadable(Unreadable::Inexact { path, digits }) => {
                Self::Inexact(InexactNumber {
                    program,
                    path,
                    digits,
                })
            }
            // Nothing is promised about a delivery.
            Stopped::Unreadable(Unreadable::Unfit { path, found, .. }) => Self::Failed {
                program,
                message: format!("it cannot read {found} at {path}"),
            },
        }
    }
}
