//! What a storm does.

use std::time::Duration;

use crate::attack::crew::Role;
use crate::attack::environment::Line;
use crate::attack::wire::{Asked, Weather};

/// Somebody at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::attack) enum Who {
    Ingest,
    Relay,
    Projection,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Ingest, Self::Relay, Self::Projection];

    pub(super) const fn role(self) -> Role {
        match self {
            Self::Ingest => Role::Ingest,
            Self::Relay => Role::Relay,
            Self::Projection => Role::Projection,
        }
    }
}

/// One thing that happens in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::attack) enum Deed {
    Kill(Who),
    /// Lets the next die that comes to the storm's crash point.
    Arm,
    EndSessions(Line),
    LoseAnswer(Line, Asked),
    Weather(Line, Weather),
    FreezeRelay,
    WakeRelay,
    InstanceComes,
    InstanceGoes,
    Rebuild,
    KillPostgres(Duration),
    KillKafka(Duration),
}
