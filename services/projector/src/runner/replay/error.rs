//! Why nothing is replayed, or no more, and what to do about it.

use dragoman_core::Position;
use thiserror::Error;

use crate::{Definition, ProjectorError, Replay, ReplaySelection, TargetError};

/// A replay did not come to its end.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Its effects are rows.
    #[error("projection {projection} writes a table, whose rows are rebuilt and not replayed")]
    WritesTable {
        /// The projection.
        projection: String,
    },
    /// None of the types is one that the projection follows.
    #[error("projection {projection} follows no event of the types that are asked for")]
    FollowsNone {
        /// The projection.
        projection: String,
        /// What it follows.
        follows: String,
    },
    /// Somebody else replays it.
    #[error("another replay of projection {projection} is running, or was abandoned meanwhile")]
    Runs {
        /// The projection.
        projection: String,
    },
    /// One of another selection, or of another definition, has not come to its end.
    #[error(
        "a replay of projection {projection} ({}) is unfinished: it stands at position {} of {}",
        replay.selection, replay.position, replay.through
    )]
    Unfinished {
        /// The projection.
        projection: String,
        /// The other one.
        replay: Box<Replay>,
        /// Whether another definition began it.
        other_definition: bool,
    },
    /// It was asked to stop before it had begun.
    #[error("the replay of projection {projection} was stopped before it began")]
    Stopped {
        /// The projection.
        projection: String,
    },
    /// There is nothing to abandon.
    #[error("projection {projection} has no unfinished replay")]
    NoneUnfinished {
        /// The projection.
        projection: String,
    },
    /// A statement was refused, and no event is to blame for it.
    #[error(
        "the replay of projection {projection} cannot execute the statements of its events from position {} to {through}; none of these took effect",
        position.0.saturating_add(1)
    )]
    Statements {
        /// The projection.
        projection: String,
        /// Everything selected at or below is settled.
        position: Position,
        /// The end of what was tried.
        through: Position,
        /// Why.
        #[source]
        source: TargetError,
    },
    /// What stops a projection stops a replay.
    #[error(transparent)]
    Projector(#[from] ProjectorError),
}

impl ReplayError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::WritesTable { projection } => {
                format!("`dragoman rebuild {projection}` makes them anew from the log.")
            }
            Self::FollowsNone { follows, .. } => format!("It follows {follows}."),
            Self::Runs { .. } => {
                "Wait for it; if its process was killed, its lease ends within a few seconds."
                    .to_owned()
            }
            Self::Unfinished {
                projection,
                replay,
                other_definition: false,
            } => format!(
                "Finish it: `dragoman replay {projection} {} --resend --yes --reason …`; or give it up: `dragoman replay {projection} --abandon --reason …`.",
                replay.selection
            ),
            Self::Unfinished { projection, .. } => format!(
                "It was begun by another definition of the projection, so it cannot go on. Give it up: `dragoman replay {projection} --abandon --reason …`; what it has done, up to its position, is done."
            ),
            Self::Stopped { .. } => "The same command begins again.".to_owned(),
            Self::NoneUnfinished { projection } => {
                format!("`dragoman replay {projection} --from … --to …` shows what one would do.")
            }
            Self::Statements { projection, .. } => format!(
                "Mend what the cause above names: a table, a function or a right, most often. Then the same command goes on from there; or give it up: `dragoman replay {projection} --abandon --reason …`."
            ),
            Self::Projector(error) => error.remedy(),
        }
    }

    /// Whether the command was wrong, and nothing else.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::WritesTable { .. } | Self::FollowsNone { .. } | Self::NoneUnfinished { .. } => {
                true
            }
            Self::Runs { .. }
            | Self::Unfinished { .. }
            | Self::Stopped { .. }
            | Self::Statements { .. }
            | Self::Projector(_) => false,
        }
    }
}

impl ReplaySelection {
    /// # Errors
    /// When no event of the projection could ever be selected.
    pub(super) fn must_choose(&self, definition: &Definition) -> Result<(), ReplayError> {
        if self.types_of(definition).is_empty() {
            let follows: Vec<&str> = definition.events.keys().map(String::as_str).collect();
            return Err(ReplayError::FollowsNone {
                projection: definition.name.clone(),
                follows: follows.join(", "),
            });
        }
        Ok(())
    }
}
