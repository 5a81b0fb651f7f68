//! Why nothing is sent again, or no more, and what to do about it.

use thiserror::Error;

use crate::{Definition, ProjectorError, Replay, ReplaySelection};

/// A replay did not come to its end.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Its effects are rows.
    #[error("projection {projection} writes a table, whose rows are rebuilt and not sent again")]
    WritesTable {
        /// The projection.
        projection: String,
    },
    /// Its effects are what statements do, in the transaction that counts them.
    #[error(
        "projection {projection} gives its events to statements, and no replay executes those again"
    )]
    ExecutesStatements {
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
        /// Whether its requests were made by another definition.
        other_definition: bool,
    },
    /// It was asked to stop before it had begun.
    #[error("the replay of projection {projection} was stopped before it sent anything")]
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
            Self::ExecutesStatements { .. } => {
                "Execute them by hand, in the database that they change.".to_owned()
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
                "Its requests were made by another definition of the projection, so it cannot go on. Give it up: `dragoman replay {projection} --abandon --reason …`; what it has sent, up to its position, is sent."
            ),
            Self::Stopped { .. } => "The same command begins again.".to_owned(),
            Self::NoneUnfinished { projection } => {
                format!("`dragoman replay {projection} --from … --to …` shows what one would send.")
            }
            Self::Projector(error) => error.remedy(),
        }
    }

    /// Whether the command was wrong, and nothing else.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::WritesTable { .. }
            | Self::ExecutesStatements { .. }
            | Self::FollowsNone { .. }
            | Self::NoneUnfinished { .. } => true,
            Self::Runs { .. }
            | Self::Unfinished { .. }
            | Self::Stopped { .. }
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
